// A request as the API gives it, in the shape the stream has: so that what is drawn needs no other.

/** @typedef {import("../types.d.ts").Entity} Entity */

/** @param {Record<string, any>} request @param {number} asOf @returns {Entity} */
export const entityOf = (request, asOf) => ({
  id: `${request["site"]}/request:${request["number"]}`, kind: "request", site: String(request["site"]), device: "", gateway: "", name: String(request["title"] ?? ""), rev: Number(request["rev"] ?? 0),
  observed_at: asOf, received_at: asOf, quality: "good", stale_after_s: null, attributes: request, points: {},
});
