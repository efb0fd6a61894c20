// One thing: what it is called, which devices tell about it, and what else is known of it.
import { html } from "../../vendor/preact.js";
import { t, word } from "../i18n.js";
import { assetList, assetOf, assets, bare, factName, isInstant, keyOf, kindName, kinds, placeFaults, removeAsset, saveAsset, valuesOf, wrongWith, ASSET_KINDS } from "./assets.js";
import { Bindings } from "./bindings.js";
import { FormEnd, Panel, Remove, useForm } from "./editor.js";
import { Amount, Box, Choice, common, Lines, slug, Text } from "./fields.js";
import { GatewayKnown } from "./gateway_known.js";
import { close, open } from "./where.js";

/** @typedef {import("./devices.js").Asset} Asset */
/** @typedef {import("./fields.js").Form} Form */
/** @typedef {import("./assets.js").Fact} Fact */

/** @param {{form: Form, name: string, fact: Fact}} props */
function FactField({ form, name, fact }) {
  const label = `${factName(fact)}${fact.required ? " *" : ""}`;
  const props = { form, name: `fact.${name}`, label };
  if (isInstant(name)) return html`<${Text} ...${props} type="datetime-local" />`;
  if (fact.type === "flag") return html`<${Choice} ...${props} options=${[["", "—"], ["yes", t("settings.yes")], ["no", t("settings.no")]]} />`;
  if (fact.type === "choice") return html`<${Choice} ...${props} options=${[["", "—"], ...(fact.choices ?? []).map((one) => [one, name === "class" ? word("class", one) : word("settings.choice", one)])]} />`;
  if (fact.type === "schedule") return html`<${Lines} ...${props} hint=${t("settings.schedule_hint")} />`;
  if (fact.type === "texts") return html`<${Lines} ...${props} hint=${t("settings.one_a_line")} />`;
  if (fact.type === "number" || fact.type === "whole") return html`<${Amount} ...${props} />`;
  return html`<${Text} ...${props} />`;
}

/** Facts of the site's own, which came with an import: shown and kept. @param {{asset: Asset | undefined}} props */
function Own({ asset }) {
  const own = Object.entries(asset?.facts ?? {}).filter(([name]) => name.startsWith("x_"));
  if (own.length === 0) return null;
  return html`<dl class="facts wide">${own.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${Array.isArray(value) ? value.join(", ") : String(value)}</dd></div>`)}</dl>`;
}

/** An id nobody has yet: out of the name where it can be, else a number. @param {string} kind @param {string} name */
function freeId(kind, name) {
  const said = slug(name), known = (/** @type {string} */ id) => assetOf(`${kind}/${id}`) !== undefined;
  if (said && !known(said)) return said;
  const stem = said.slice(0, 26) || kind;
  for (let n = said ? 2 : (assets.value ?? []).filter((one) => one.kind === kind).length + 1; ; n += 1) if (!known(`${stem}-${n}`)) return `${stem}-${n}`;
}

/** @param {{form: Form, isNew: boolean}} props */
function Named({ form, isNew }) {
  const kind = form.values["kind"];
  if (!isNew) return html`<${Text} form=${form} name="name" label=${`${t("settings.name")} *`} max=${80} /><${Text} form=${form} name="unit" label=${t("settings.unit")} max=${80} />`;
  const suggested = freeId(kind, String(form.values["name"]));
  const id = { form, name: "id", label: t("settings.id"), hint: t("settings.id_hint") };
  return html`<${Choice} form=${form} name="kind" label=${t("settings.kind")} options=${ASSET_KINDS.map((one) => [one, kindName(one)])} />
    <${Text} form=${form} name="name" label=${`${t("settings.name")} *`} max=${80} />
    <${Box} ...${id}><input ...${common(id)} type="text" maxlength="32" placeholder=${suggested} spellcheck=${false} /><//>
    <${Text} form=${form} name="unit" label=${t("settings.unit")} max=${80} />`;
}

/** By what id a gateway is heard, as the form says it. @param {Record<string, any>} values @param {Asset | undefined} asset */
const onTheWire = (values, asset) => String(values["fact.gateway"] ?? "").trim() || asset?.id || String(values["id"]).trim() || freeId("gateway", String(values["name"]));

const LAST = ["latitude", "longitude", "note"];

/** What must be known comes first, where it stands last. @param {string} name @param {Fact} fact */
const rank = (name, fact) => (fact.required ? -1 : LAST.indexOf(name) + 1);

/** @param {{draftKey: string, asset: Asset | undefined, kind: string}} props */
function Form({ draftKey, asset, kind }) {
  const isNew = asset === undefined;
  const whole = (/** @type {Record<string, any>} */ values) => (isNew && !String(values["id"]).trim() ? { ...values, id: freeId(values["kind"], String(values["name"])) } : values);
  const of = useForm({
    key: draftKey, start: valuesOf(asset, kind), rev: asset?.rev ?? 0, names: [], theirs: assetList.ask,
    check: (values) => wrongWith(whole(values), isNew),
    save: async (values, rev) => { const all = whole(values); await saveAsset(all, rev, asset); if (isNew) open("asset", `${all["kind"]}/${all["id"]}`); },
    place: (failure) => (failure.faults.length > 0 ? placeFaults(failure.faults, of.form.values) : null),
  });
  const chosen = of.form.values["kind"];
  const facts = Object.entries(kinds.value?.[chosen] ?? {}).sort(([a, one], [b, other]) => rank(a, one) - rank(b, other));
  return html`<form ref=${of.box} class="set-form" novalidate onSubmit=${of.submit}>
    <${Named} form=${of.form} isNew=${isNew} />
    ${chosen === "gateway" ? html`<${GatewayKnown} id=${onTheWire(of.form.values, asset)} />` : html`<${Bindings} form=${of.form} kind=${chosen} except=${asset ? keyOf(asset) : ""} />`}
    <h3 class="wide">${t("settings.facts")}</h3>
    ${facts.map(([name, fact]) => html`<${FactField} key=${name} form=${of.form} name=${name} fact=${fact} />`)}
    <${Own} asset=${asset} />
    <${FormEnd} of=${of} isNew=${isNew}>${asset && html`<${Remove} key=${keyOf(asset)} what=${t("settings.remove_thing", { name: asset.name })} remove=${async () => { await removeAsset(asset); close(); }} />`}<//></form>`;
}

/** @param {{id: string}} props `kind/id`, or `+kind` for a new one */
export function ThingPanel({ id }) {
  const isNew = id.startsWith("+");
  const asset = isNew ? undefined : assetOf(id);
  const kind = isNew ? (ASSET_KINDS.includes(id.slice(1)) ? id.slice(1) : "vehicle") : id.split("/")[0] ?? "";
  if (assets.value === null || kinds.value === null) return html`<${Panel} title=${t("page.settings")}><p class="calm muted" role="status">${assetList.failure.value || t("settings.asking")}</p><//>`;
  if (!isNew && !asset) return html`<${Panel} title=${id}><p class="calm muted">${t("settings.gone")}</p><//>`;
  const sub = asset ? `${kindName(asset.kind)} · ${asset.id}${bare.value.includes(asset) ? ` · ${t("settings.no_device_short")}` : ""}` : t("settings.new_sub");
  return html`<${Panel} title=${asset?.name ?? t("settings.new_thing")} sub=${sub}><${Form} key=${id} draftKey=${`asset:${id}`} asset=${asset} kind=${kind} /><//>`;
}
