// The shapes the API speaks (see the OpenAPI description at /api/v1/openapi.json).

export type Quality = "good" | "uncertain" | "bad";

export interface Point {
  value: number | null;
  unit: string;
  kind: "gauge" | "counter" | "state";
  quality: Quality;
  reason: string;
  observed_at: number;
  received_at: number;
  stale_after_s: number | null;
  label: string | null;
}

export interface LastEvent { kind: string; at: number; data: Record<string, string | number | boolean | null>; reason?: string }

export interface BusReport {
  name: string; kind: string; state: string; busy_share: number | null;
  requests: number; timeouts: number; errors: number; last_error: string;
}

export interface DeviceReport {
  id: string; state: string; every_s: number | null; achieved_s: number | null; last_ok_at: number | null;
  last_error: string; polls: number; failures: number; bus?: string;
}

export interface Report {
  backlog_batches: number; backlog_readings: number; backlog_bytes: number; buffer_max_bytes: number;
  oldest_unacked_s: number | null; live_in_flight: number; backlog_in_flight: number; acked_batches: number;
  resent_batches: number; quarantined: number; dropped_readings: number; dropped_events?: number; untimed?: number; epoch?: string;
  disk_full_s?: number | null; in_memory?: number; buffer_error?: string; link_error?: string;
  clock: { state: string; wall_ms: number; step_ms?: number } | null; buses: BusReport[]; devices: DeviceReport[];
  rss_bytes: number; uptime_s: number; kept?: Kept | null;
  machine?: { model?: string; power?: "good" | "low" | "unknown"; low_since_start?: boolean; temperature_c?: number | null; disk_free_bytes?: number | null;
    disk_bytes?: number | null; disk_read_only?: boolean; disk_written_day_bytes?: number | null; memory_free_bytes?: number | null } | null;
}

/** What may be ordered of a point from afar; `least` and `most` are of set in `unit` and of pulse in seconds. */
export interface Remote {
  point: string; actions: string[]; unit: string; least: number | null; most: number | null; second_person: boolean; rate: number; rate_s: number;
}

/** Batches that were acked and that the gateway still has; those asked for again. */
export interface Kept { batches?: number; since?: number; waiting?: number; sent?: number }

export interface Attributes {
  remote?: Remote[];
  profile?: string; state?: string; achieved_s?: number | null; every_s?: number | null; last_error?: string;
  last_event?: LastEvent | null; bus?: string;
  warning?: string; tampered?: boolean; gateways?: string[];
  online?: boolean; announced?: boolean; session?: number; software?: string; config_hash?: string; fenced?: boolean;
  report?: Report | null; stored_batches?: number; stored_readings?: number; duplicates?: number; rejected?: number;
  refused?: Record<string, number>; last_batch_at?: number | null; latency_ms?: number | null; site_name?: string;
}

export interface Entity {
  id: string; kind: string; site: string; device?: string; gateway: string; name: string; rev: number;
  observed_at: number | null; received_at: number | null; quality: Quality; stale_after_s: number | null;
  attributes: Attributes; points: Record<string, Point>;
}

export interface Change {
  id: string; rev?: number; deleted?: boolean;
  set?: Partial<Entity>; attributes?: Partial<Attributes>; points?: Record<string, Point>;
}

export interface Alarm {
  id: string; kind: string; priority: number; source: string; since: number;
  args: Record<string, unknown>; text: { en: string; zh: string }; active: boolean; ended_at?: number | null;
  state?: "unacknowledged" | "acknowledged" | "returned" | "shelved" | "out_of_service" | "suppressed" | "normal";
  acknowledged_at?: number | null; acknowledged_by?: string; shelved_until?: number | null; reason?: string; hidden_by?: string;
  note?: string; count?: number; suppresses?: number; rev?: number; title?: { en: string; zh: string }; name?: string;
}

export interface Site { id: string; name: string; time_zone: string; gateways: number; devices: number }

export interface User { name: string; role: string; must_change_password: boolean; needs_second_factor?: boolean; rights: Record<string, string[] | null> }

/** What the hub (in the shared worker or in the page) tells a page. */
export type FeedMessage =
  | { type: "hello" }
  | { type: "snapshot"; reason: string; cursor: string; as_of: number; live?: boolean; entities: Entity[] }
  | { type: "delta"; cursor: string; as_of: number; changes: Change[] }
  | { type: "alarm"; alarm: Alarm }
  | { type: "hb"; cursor: string; as_of: number }
  | { type: "down"; why: string }
  | { type: "refused"; status: number };

export interface Table { columns: string[]; rows: (string | number | null)[][]; next: string | null; series?: Record<string, unknown> }

export type Health = "ok" | "uncertain" | "waiting" | "bad" | "failing" | "stale" | "lost" | "offline" | "fenced" | "clock" | "backlog";
