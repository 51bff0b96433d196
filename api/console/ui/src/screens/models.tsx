// The model cards: where each version came from and how well it did on data it had not seen.

import { useQuery } from "../api/queries";
import type { ModelCard } from "../api/wire";
import { metricTables } from "../format/metrics";
import { Facts } from "../parts/facts";
import { Answered, Empty } from "../parts/states";
import { useShell, useTitle } from "../shell/context";

export function ModelsScreen() {
  const { texts } = useShell();
  useTitle(texts.models.title);
  const query = useQuery("GET /models", {});
  return (
    <>
      <h1>{texts.models.title}</h1>
      <Answered query={query}>
        {({ items }) =>
          items.length ? (
            <div class="cards">
              {[...items].sort(byStage).map((card) => <ModelCardView key={`${card.product}/${card.kind}/${card.version}`} card={card} />)}
            </div>
          ) : (
            <Empty title={texts.models.empty}>{texts.models.emptyMore}</Empty>
          )
        }
      </Answered>
    </>
  );
}

const STAGES: readonly ModelCard["stage"][] = ["champion", "candidate", "retired"];

/** What is in use first; otherwise as the server says. */
function byStage(a: ModelCard, b: ModelCard): number {
  return STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage);
}

function Metrics({ metrics }: { metrics: ModelCard["metrics"] }) {
  const { texts, formats } = useShell();
  return (
    <>
      {metricTables(metrics).map((table) => (
        <div key={table.columns.join()} class="metrics" tabIndex={0} role="region" aria-label={texts.models.metrics}>
          <table class="table">
            <thead>
              <tr>
                <th scope="col"><span class="unseen">{texts.order.component}</span></th>
                {table.columns.map((name) => <th key={name} scope="col" class="figure">{name}</th>)}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((row) => (
                <tr key={row.name}>
                  <th scope="row">{row.name}</th>
                  {row.cells.map((cell, i) => (
                    <td key={i} class="figure">{cell === null ? "–" : formats.number(cell, 3)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ))}
    </>
  );
}

function ModelCardView({ card }: { card: ModelCard }) {
  const { texts, formats } = useShell();
  return (
    <section class="card">
      <h2 class="between">
        {texts.models.kind[card.kind]}
        <span class={`chip stage-${card.stage}`}>{texts.models.stage[card.stage]}</span>
      </h2>
      <p class="second"><code>{card.version}</code></p>
      <Facts
        rows={[
          [texts.models.product, card.product],
          [texts.models.trained, formats.dateTime(card.trained_at)],
          [texts.models.data, `${formats.date(card.data_start)} – ${formats.date(card.data_end)}`],
          [texts.models.devices, formats.number(card.devices)],
          [texts.models.seed, String(card.seed)],
        ]}
      />
      <h3>{texts.models.metrics}</h3>
      <Metrics metrics={card.metrics} />
      <details>
        <summary>
          {texts.models.features} ({formats.number(card.features.length)})
        </summary>
        <ul class="plain names">
          {card.features.map((feature) => <li key={feature}><code>{feature}</code></li>)}
        </ul>
      </details>
      <details>
        <summary>{texts.models.libraries}</summary>
        <Facts rows={Object.entries(card.libraries)} />
      </details>
    </section>
  );
}
