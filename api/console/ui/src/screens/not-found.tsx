import { Empty } from "../parts/states";
import { useShell, useTitle } from "../shell/context";

export function NotFoundScreen() {
  const { texts } = useShell();
  useTitle(texts.common.notFound);
  return (
    <Empty title={texts.common.notFound}>
      <a href="/">{texts.common.home}</a>
    </Empty>
  );
}
