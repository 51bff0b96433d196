import { send } from "../../api/client";
import { invalidate, useQuery } from "../../api/queries";
import type { UserEntry } from "../../api/wire";
import { Field, FormDialog, textOf } from "../../parts/dialog";
import { useShell } from "../../shell/context";
import { RoleFields, rolesOf } from "./role-fields";

/** Adds a user, or changes one. */
export function UserDialog({ user, onClose }: { user: UserEntry | null; onClose: () => void }) {
  const { texts } = useShell();
  const technicians = useQuery("GET /technicians", {}).answer?.items;

  const onSubmit = async (form: FormData) => {
    const name = textOf(form, "name");
    const password = String(form.get("password") ?? "");
    const technician = textOf(form, "technician");
    if (user) {
      await send("PATCH /users/{user_id}", {
        path: { user_id: user.id },
        body: {
          name, technician, roles: rolesOf(form), disabled: form.has("disabled"),
          ...(password ? { password } : {}),
        },
      });
    } else {
      const username = textOf(form, "username");
      await send("POST /users", {
        body: { username, name, password, roles: rolesOf(form), technician: technician || null },
      });
    }
    invalidate("/users");
  };

  return (
    <FormDialog
      title={user ? texts.people.editUser(user.name) : texts.people.addUser}
      submit={user ? texts.common.save : texts.people.addUser}
      onClose={onClose}
      onSubmit={onSubmit}
    >
      {(problem) => (
        <>
          {!user && (
            <Field label={texts.people.username} reason={problem?.reasonFor("username")}>
              <input name="username" required maxLength={80} autocomplete="off" pattern="[A-Za-z0-9_.@\-]+" />
            </Field>
          )}
          <Field label={texts.people.name} reason={problem?.reasonFor("name")}>
            <input name="name" required maxLength={120} autocomplete="off" defaultValue={user?.name ?? ""} />
          </Field>
          <RoleFields chosen={user?.roles ?? ["dispatcher"]} reason={problem?.reasonFor("roles")} />
          {technicians && (
            <Field label={texts.people.technician} reason={problem?.reasonFor("technician")}>
              <select name="technician">
                <option value="">{texts.people.nobody}</option>
                {technicians.map((technician) => (
                  <option
                    key={technician.id} value={technician.id}
                    selected={technician.id === user?.technician}
                  >
                    {technician.name}
                  </option>
                ))}
              </select>
            </Field>
          )}
          <Field
            label={user ? texts.people.newPassword : texts.people.password}
            hint={texts.setUp.passwordHint}
            reason={problem?.reasonFor("password")}
          >
            <input
              name="password" type="password" autocomplete="new-password"
              required={!user} minLength={12} maxLength={200}
            />
          </Field>
          {user && (
            <label class="choice">
              <input type="checkbox" name="disabled" defaultChecked={user.disabled} />
              {texts.people.blocked}
            </label>
          )}
        </>
      )}
    </FormDialog>
  );
}
