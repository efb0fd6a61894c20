// The pages there are, in the order of the navigation. A new page is one line here and its folder.
import { computed } from "../../vendor/preact.js";
import { Access } from "../access/page.js";
import { Alarms } from "../alarms/page.js";
import { isRequester, may } from "../api.js";
import { Dispatch } from "../dispatch/page.js";
import { Energy } from "../energy/page.js";
import { t } from "../i18n.js";
import { Overview } from "../overview/page.js";
import { page } from "../place.js";
import { Reports } from "../reports/page.js";
import { Requests } from "../requests/page.js";
import { Settings } from "../settings/page.js";

/** `asked`: offered to who only files requests, under a name of its own. `needs`: offered to who has that right.
 * @type {{id: string, View: () => any, asked?: string, needs?: string}[]} */
export const PAGES = [
  { id: "overview", View: Overview },
  { id: "dispatch", View: Dispatch },
  { id: "energy", View: Energy },
  { id: "requests", View: Requests, asked: "page.my_requests" },
  { id: "access", View: Access, needs: "guard" },
  { id: "alarms", View: Alarms },
  { id: "reports", View: Reports },
  { id: "settings", View: Settings },
];

/** The pages that are offered to who is signed in. */
export const offered = computed(() => (isRequester() ? PAGES.filter((one) => one.asked) : PAGES.filter((one) => !one.needs || may(one.needs))));

/** The page that is shown: the one in the address, where it is offered. */
export const shownPage = computed(() => offered.value.find((one) => one.id === page.value) ?? /** @type {typeof PAGES[number]} */ (offered.value[0]));

/** What a page is called. @param {typeof PAGES[number]} one */
export const pageName = (one) => t(isRequester() && one.asked ? one.asked : `page.${one.id}`);
