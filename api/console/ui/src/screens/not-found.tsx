import { Empty } from "../parts/states";
import { useShell } from "../shell/context";

export function NotFoundScreen() {
  const { texts } = useShell();
  return (
    <Empty title={texts.common.notFound}>
      <a href="/">{texts.common.home}</a>
    </Empty>
  );
}
