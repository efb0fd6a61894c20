// The page Settings: a list of sections, one of them, and what is open of it.
import { html } from "../../vendor/preact.js";
import { mapSite } from "../dispatch/where.js";
import { t } from "../i18n.js";
import { pastAt } from "../live/link.js";
import { siteName } from "../sites.js";
import { Approvals } from "./approvals.js";
import { mayChange } from "./asked.js";
import { DevicePanel } from "./device_panel.js";
import { Identities } from "./identities.js";
import { Import } from "./import.js";
import { KeptOfPeople } from "./kept.js";
import { Tokens } from "./keys_out.js";
import { People } from "./people.js";
import { OnePerson } from "./person.js";
import { RulePanel } from "./rule_form.js";
import { Rollouts } from "./rollouts.js";
import { Rules } from "./rules.js";
import { BuiltInAlarms, DispatchSettings, Fleet, Use } from "./site_settings.js";
import { ThingPanel } from "./thing_form.js";
import { Things } from "./things.js";
import { Trail } from "./trail.js";
import { WebhookPanel } from "./webhook_form.js";
import { Webhooks } from "./webhooks.js";
import { Sections } from "./sections.js";
import { opened, openSection, openTheSection } from "./where.js";

/** What each section shows, and what may be open beside it. everywhere: it is of no one site. @type {Record<string, {View: () => any, panels: Record<string, (props: {id: string}) => any>, everywhere?: boolean}>} */
const VIEWS = {
  things: { View: Things, panels: { asset: ThingPanel, device: DevicePanel } },
  import: { View: Import, panels: {} },
  rules: { View: Rules, panels: { rule: RulePanel } },
  builtin: { View: BuiltInAlarms, panels: {} },
  webhooks: { View: Webhooks, panels: { webhook: WebhookPanel } },
  fleet: { View: Fleet, panels: {} },
  dispatch: { View: DispatchSettings, panels: {} },
  rooms: { View: Use, panels: {} },
  identities: { View: Identities, panels: {} },
  rollouts: { View: Rollouts, panels: {} },
  approvals: { View: Approvals, panels: {} },
  people: { View: People, panels: {}, everywhere: true },
  tokens: { View: Tokens, panels: {}, everywhere: true },
  trail: { View: Trail, panels: {}, everywhere: true },
  person: { View: OnePerson, panels: {}, everywhere: true },
  kept_of: { View: KeptOfPeople, panels: {}, everywhere: true },
};

export function Settings() {
  const section = openSection.value in VIEWS ? openSection.value : "things";
  const { View, panels, everywhere } = /** @type {typeof VIEWS[string]} */ (VIEWS[section]);
  const { what, id } = opened.value;
  const Opened = panels[what];
  return html`<div class=${`settings${Opened ? " with-panel" : ""}`}><h1 class="sr">${t("page.settings")}</h1>
    <${Sections} of="settings" names=${Object.keys(VIEWS)} section=${section} openIt=${openTheSection}>
      <p class="muted">${mapSite.value ? t("settings.of_site", { site: siteName(mapSite.value) }) : t("header.no_site")}</p>
      ${!mayChange() && html`<p class="muted">${t("settings.only_administrators")}</p>`}${pastAt.value !== null && html`<p class="warn">${t("settings.past")}</p>`}<//>
    ${mapSite.value || everywhere ? html`<${View} key=${everywhere ? section : `${section} ${mapSite.value}`} />${Opened && html`<aside class="side"><${Opened} key=${`${mapSite.value} ${what}:${id}`} id=${id} /></aside>`}` : html`<p class="calm muted">${t("header.no_site")}</p>`}</div>`;
}
