// Users and API keys, for administrators.

import { useState } from "preact/hooks";
import { send } from "../../api/client";
import { invalidate, useQuery } from "../../api/queries";
import type { KeyEntry, UserEntry } from "../../api/wire";
import { Card } from "../../parts/facts";
import { FormDialog } from "../../parts/dialog";
import { Answered } from "../../parts/states";
import { useShell, useTitle } from "../../shell/context";
import { NewKeyDialog } from "./key-dialog";
import { UserDialog } from "./user-dialog";

export function PeopleScreen() {
  const { texts } = useShell();
  useTitle(texts.people.title);
  return (
    <>
      <h1>{texts.people.title}</h1>
      <div class="column-main">
        <Users />
        <Keys />
      </div>
    </>
  );
}

function Users() {
  const { texts, formats } = useShell();
  const query = useQuery("GET /users", {});
  const [edited, setEdited] = useState<UserEntry | "new" | null>(null);
  return (
    <Card title={texts.people.users}>
      <Answered query={query}>
        {({ items }) => (
          <table class="table">
            <thead>
              <tr>
                <th scope="col">{texts.people.name}</th>
                <th scope="col">{texts.people.roles}</th>
                <th scope="col" class="wide">{texts.people.created}</th>
                <th scope="col"><span class="unseen">{texts.people.edit}</span></th>
              </tr>
            </thead>
            <tbody>
              {items.map((user) => (
                <tr key={user.id}>
                  <td>
                    <span class="first">{user.name}</span>
                    <span class="second">
                      {user.username} · {user.disabled ? texts.people.disabled : texts.people.active}
                    </span>
                  </td>
                  <td>{user.roles.map((role) => texts.people.role[role]).join(", ")}</td>
                  <td class="wide">{formats.date(user.created_at)}</td>
                  <td class="figure">
                    <button
                      class="quiet" aria-label={texts.people.editUser(user.name)}
                      onClick={() => setEdited(user)}
                    >
                      {texts.people.edit}
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Answered>
      <p class="after"><button onClick={() => setEdited("new")}>{texts.people.addUser}</button></p>
      {edited && (
        <UserDialog user={edited === "new" ? null : edited} onClose={() => setEdited(null)} />
      )}
    </Card>
  );
}

function Keys() {
  const { texts, formats } = useShell();
  const query = useQuery("GET /keys", {});
  const [making, setMaking] = useState(false);
  const [revoked, setRevoked] = useState<KeyEntry | null>(null);
  return (
    <Card title={texts.people.keys}>
      <p class="hint">{texts.people.keysIntro}</p>
      <Answered query={query}>
        {({ items }) =>
          items.length ? (
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">{texts.people.name}</th>
                  <th scope="col">{texts.people.roles}</th>
                  <th scope="col" class="wide">{texts.people.used}</th>
                  <th scope="col"><span class="unseen">{texts.people.revoke}</span></th>
                </tr>
              </thead>
              <tbody>
                {items.map((key) => (
                  <tr key={key.id}>
                    <td>
                      <span class="first">{key.name}</span>
                      <code class="second">{key.hint}…</code>
                    </td>
                    <td>{key.roles.map((role) => texts.people.role[role]).join(", ")}</td>
                    <td class="wide">
                      {key.last_used_at ? formats.dateTime(key.last_used_at) : texts.people.neverUsed}
                    </td>
                    <td class="figure">
                      <button
                        class="quiet" aria-label={texts.people.revokeTitle(key.name)}
                        onClick={() => setRevoked(key)}
                      >
                        {texts.people.revoke}
                      </button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          ) : (
            <p class="faint">{texts.people.noKeys}</p>
          )
        }
      </Answered>
      <p class="after"><button onClick={() => setMaking(true)}>{texts.people.addKey}</button></p>
      {making && <NewKeyDialog onClose={() => setMaking(false)} />}
      {revoked && (
        <FormDialog
          title={texts.people.revokeTitle(revoked.name)}
          submit={texts.people.revoke}
          danger
          onClose={() => setRevoked(null)}
          onSubmit={async () => {
            await send("DELETE /keys/{key_id}", { path: { key_id: revoked.id } });
            invalidate("/keys");
          }}
        >
          {() => <p>{texts.people.revokeText}</p>}
        </FormDialog>
      )}
    </Card>
  );
}
