// The engine's API as the editor uses it: docs/openapi.yaml, below /api/v1/workflow/.
import type { Characteristic, Doc, Json } from "./document";
import { gettext as _ } from "./words";

export interface Handler {
  key: string;
  title: string;
  room: string;
  local: boolean;
  undo: "handler" | "none" | "missing";
  inputs: Characteristic[];
  outputs: Characteristic[];
}

export interface Named {
  key: string;
  name: string;
}

export interface Palette {
  handlers: Handler[];
  pools: Named[];
  categories: Named[];
  definitions: { key: string; title: string; inputs: Characteristic[]; results: string[] }[];
  calendars: Named[];
}

export type Places = Record<string, string[]>;

export interface Checked {
  faults: Places;
  warnings: Places;
}

export interface Answer {
  outcome?: "done" | "fails" | "skipped";
  outputs?: Record<string, Json>;
  signal?: boolean;
}

export interface SimulatedTask {
  key: string;
  title: string;
  state: "done" | "skipped" | "attention" | "waiting";
  starts_at: number | null;
  ends_at: number | null;
  why: string;
}

export interface Simulated {
  path: SimulatedTask[];
  completes: boolean;
  lead_seconds: number;
  work: { pool: string; tasks: number; seconds: number }[];
  reversal: { key: string; title: string; how: string; pool: string; follow_up: string }[];
}

export interface Draft {
  public_id: string;
  key: string;
  title: string;
  document: Doc;
}

/** What the server refused, in its words. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly fields: Places,
  ) {
    super(message);
  }
}

const BASE = "/api/v1/workflow";

async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const csrf = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
  const answer = await fetch(BASE + path, {
    method,
    cache: "no-store",
    credentials: "same-origin",
    headers: { Accept: "application/json", "X-CSRFToken": csrf, ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (answer.ok) return answer;
  const problem = (await answer.json().catch(() => ({}))) as { detail?: string; title?: string; errors?: Places; fields?: Places };
  throw new Refused(
    answer.status,
    problem.detail || problem.title || _("The server answered %(status)s.", { status: answer.status }),
    problem.errors ?? problem.fields ?? {},
  );
}

export const palette = async (): Promise<Palette> => (await ask("GET", "/definitions/palette/")).json();

export const check = async (doc: Doc): Promise<Checked> => (await ask("POST", "/definitions/check/", { document: doc })).json();

export const simulate = async (
  doc: Doc,
  inputs: Record<string, Json>,
  answers: Record<string, Answer>,
  reverseAt: string | null,
): Promise<Simulated> => (await ask("POST", "/definitions/simulate/", { document: doc, inputs, answers, reverse_at: reverseAt })).json();

export async function load(draft: string): Promise<{ draft: Draft; etag: string }> {
  const answer = await ask("GET", `/drafts/${draft}/`);
  return { draft: await answer.json(), etag: answer.headers.get("ETag") ?? "" };
}

/** Saves when nobody else has saved since `etag`; else the refusal's status is 412. */
export async function save(draft: string, doc: Doc, etag: string): Promise<string> {
  const title = doc.title.trim();
  const answer = await ask("PUT", `/drafts/${draft}/`, { ...(title ? { title } : {}), document: doc }, { "If-Match": etag });
  return answer.headers.get("ETag") ?? "";
}

export const publish = async (doc: Doc, note: string): Promise<{ public_id: string }> =>
  (await ask("POST", "/definitions/", { document: doc, note })).json();

export async function discard(draft: string): Promise<void> {
  await ask("DELETE", `/drafts/${draft}/`, undefined, { "If-Match": "*" });
}
