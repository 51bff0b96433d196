import type { Me } from "../../api/wire";
import { useShell } from "../../shell/context";

export type Role = Me["roles"][number];

/** One box for each role. */
export function RoleFields({ chosen, reason }: { chosen: readonly Role[]; reason: string | undefined }) {
  const { texts } = useShell();
  return (
    <fieldset>
      <legend>{texts.people.roles}</legend>
      {(Object.entries(texts.people.role) as [Role, string][]).map(([role, name]) => (
        <label key={role} class="choice">
          <input type="checkbox" name="roles" value={role} defaultChecked={chosen.includes(role)} />
          {name}
        </label>
      ))}
      {reason && <span class="refusal">{reason}</span>}
    </fieldset>
  );
}

export function rolesOf(form: FormData): Role[] {
  return form.getAll("roles") as Role[];
}
