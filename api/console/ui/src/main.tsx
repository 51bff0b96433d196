import { render } from "preact";
import { applyTheme, storedTheme } from "./shell/preferences";
import { App } from "./shell/shell";
import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/shell.css";
import "./styles/lists.css";
import "./styles/pages.css";
import "./styles/charts.css";

applyTheme(storedTheme());
render(<App />, document.body);
