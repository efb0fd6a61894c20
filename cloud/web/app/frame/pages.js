// The pages there are, in the order of the navigation. A new page is one line here and its folder.
import { Overview } from "../overview/page.js";

export const PAGES = [{ id: "overview", View: Overview }];
