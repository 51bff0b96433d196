import type { DeviceCredential } from "../../api/wire";
import { Facts } from "../../parts/facts";
import { OnceDialog } from "../../parts/once-dialog";
import { useShell } from "../../shell/context";

/** What a device connects with: the only time that its password is seen. */
export function CredentialDialog(props: { credential: DeviceCredential; onClose: () => void }) {
  const { texts } = useShell();
  const { device, username, password, host, port, topic } = props.credential;
  return (
    <OnceDialog
      title={texts.admit.secretTitle(device)}
      text={texts.admit.secretText}
      secret={password}
      onClose={props.onClose}
    >
      <Facts
        rows={[
          [texts.admit.username, <code key="u">{username}</code>],
          [texts.admit.address, <code key="a">{`${host}:${port}`}</code>],
          [texts.admit.topic, <code key="t">{topic}</code>],
        ]}
      />
    </OnceDialog>
  );
}
