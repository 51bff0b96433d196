import { useRef, useState } from "preact/hooks";
import { type ApiProblem, send } from "../../api/client";
import { invalidate } from "../../api/queries";
import type { DevicesImported } from "../../api/wire";
import { Field, FormDialog } from "../../parts/dialog";
import { OnceDialog } from "../../parts/once-dialog";
import { useShell } from "../../shell/context";

interface BadLine {
  line: number;
  field: string;
  reason: string;
}

/** Registers the devices of a CSV file; names every wrong line, then shows the passwords once. */
export function ImportDialog({ onClose }: { onClose: () => void }) {
  const { texts } = useShell();
  const [imported, setImported] = useState<DevicesImported | null>(null);
  const done = useRef(false);
  if (imported) {
    const lines = imported.devices.map(({ device, password }) => `${device},${password}`);
    return (
      <OnceDialog
        title={texts.admit.imported(imported.devices.length)}
        text={texts.admit.importedText}
        secret={["device,password", ...lines, ""].join("\n")}
        file="passwords.csv"
        onClose={onClose}
      >
        {imported.skipped.length > 0 && (
          <BadLines title={texts.admit.skipped} lines={imported.skipped} />
        )}
      </OnceDialog>
    );
  }
  return (
    <FormDialog
      title={texts.admit.importFile}
      submit={texts.admit.importFile}
      onClose={() => done.current || onClose()}
      onSubmit={async (form) => {
        const csv = await (form.get("file") as File).text();
        const made = await send("POST /devices/import", {
          body: { csv, skip_bad: form.has("skip_bad") },
        });
        done.current = true;
        invalidate("/devices");
        setImported(made);
      }}
    >
      {(problem) => (
        <>
          <p class="hint">{texts.admit.importHint}</p>
          <pre class="token">device,product,site,serial,installed,warranty,gateway,attribute.…</pre>
          <Field label={texts.admit.file}>
            <input type="file" name="file" required accept=".csv,text/csv" />
          </Field>
          <label class="choice">
            <input type="checkbox" name="skip_bad" /> {texts.admit.skipBad}
          </label>
          {problem && <BadLines title={texts.admit.badLines} lines={badLines(problem)} />}
        </>
      )}
    </FormDialog>
  );
}

function badLines({ problem }: ApiProblem): BadLine[] {
  return (problem.errors ?? []).flatMap((error) =>
    typeof error["line"] === "number"
      ? [{ line: error["line"], field: String(error["field"]), reason: String(error["reason"]) }]
      : [],
  );
}

function BadLines({ title, lines }: { title: string; lines: BadLine[] }) {
  const { texts } = useShell();
  if (!lines.length) return null;
  return (
    <ul class="plain lines bad-lines" aria-label={title} tabIndex={0}>
      {lines.map((bad, i) => (
        <li key={i}>
          <span class="first">
            {texts.admit.line(bad.line)} {bad.field && <code>{bad.field}</code>}
          </span>
          <span class="second">{bad.reason}</span>
        </li>
      ))}
    </ul>
  );
}
