import type { OrderDetail } from "../../api/wire";
import { Icon } from "../../parts/icon";
import { useShell } from "../../shell/context";

/** The weighed actions with their expected cost: the decision, laid open. */
export function Options({ options }: { options: OrderDetail["options"] }) {
  const { texts, formats } = useShell();
  const heads = texts.order.optionHeads;
  return (
    <table class="table options">
      <thead>
        <tr>
          <th scope="col">{heads.action}</th>
          <th scope="col" class="figure">{heads.cost}</th>
          <th scope="col" class="figure">{heads.failure}</th>
          <th scope="col" class="why">{heads.why}</th>
        </tr>
      </thead>
      <tbody>
        {options.map((option) => (
          <tr key={option.action} class={option.chosen ? "chosen" : undefined}>
            <th scope="row">
              {texts.order.option[option.action]}
              {option.chosen && (
                <span class="chip chosen-chip">
                  <Icon name="check" /> {texts.order.chosen}
                </span>
              )}
            </th>
            <td class="figure">
              {formats.money(option.expected_cost.amount, option.expected_cost.currency)}
            </td>
            <td class="figure">{formats.percent(option.failure_probability)}</td>
            <td class="why">{option.reason.text}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
