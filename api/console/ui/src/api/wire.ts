// Made by wire_types.py from the API's OpenAPI document. Do not edit.

/** Take the proposal. Without technician and start the platform's suggestion stands. */
export interface Accept {
  technician?: string | null;
  planned_start?: string | null;
  note?: string;
}

/** An episode: a finding on one failure mode of one device, from raised to cleared. */
export interface AlertSummary {
  id: string;
  device: Ref;
  failure_mode: Ref;
  state: "open" | "acknowledged" | "cleared";
  opened_at: string;
  cleared_at: string | null;
  reason: Text;
  decision: Text;
  order: Ref | null;
}

/** What the models said of one device over time; all lists have the length of ``ts``. */
export interface AssessmentHistory {
  ts: number[];
  anomaly: (number | null)[];
  anomaly_spans: Span[];
  risks: RiskCurve[];
  lives: LifeCurve[];
  horizon_hours: number;
}

/** What is wrong with a line of a file; line 1 has the names of the columns. */
export interface BadLine {
  line: number;
  field: string;
  reason: string;
}

/** Call off an accepted order. */
export interface Cancel {
  note: string;
}

/** A registered certificate; ``fingerprint`` is the SHA-256 of its DER form. */
export interface CertificateEntry {
  fingerprint: string;
  not_after: string;
  registered_at: string;
  revoked_at: string | null;
}

/** A device that registers itself with a key. ``site`` counts where the key names none. */
export interface Claim {
  key: string;
  device: string;
  site?: string;
  serial?: string;
}

/** A new key. It is shown this once and never again. */
export interface ClaimKeyCreated {
  id: string;
  hint: string;
  product: string;
  site: string;
  created_by: string;
  created_at: string;
  expires_at: string;
  used_at: string | null;
  device: string;
  key: string;
}

/** A claim key; ``hint`` is how it begins. Its times are those of the server's own clock. */
export interface ClaimKeyEntry {
  id: string;
  hint: string;
  product: string;
  site: string;
  created_by: string;
  created_at: string;
  expires_at: string;
  used_at: string | null;
  device: string;
}

/** A command and what became of it. Its times are those of the server's own clock. */
export interface CommandEntry {
  id: string;
  device: string;
  name: string;
  arguments: Record<string, unknown>;
  state: CommandState;
  created_by: string;
  created_at: string;
  expires_at: string;
  timeout_seconds: number;
  retries: number;
  attempts: number;
  sent_at: string | null;
  delivered_at: string | null;
  finished_at: string | null;
  text: string;
}

/** Where a command stands. */
export type CommandState = "queued" | "sent" | "delivered" | "successful" | "failed" | "timeout" | "expired";

/** Work done: what was found becomes a label. */
export interface Complete {
  outcome: "confirmed" | "other_component" | "no_fault_found";
  component?: string | null;
  failed?: boolean;
  serial?: string;
  note?: string;
  done_at?: string | null;
}

/** Something that can be replaced. */
export interface ComponentEntry {
  id: string;
  name: string;
  part: string;
}

/** How a device can prove itself; nothing secret in it. */
export interface CredentialState {
  password: boolean;
  issued_at: string | null;
  revoked_at: string | null;
  certificates: CertificateEntry[];
}

/** What is to be changed of a device; what is left out stays. ``attributes`` replace all. */
export interface DeviceChange {
  site?: string | null;
  serial?: string | null;
  installed_at?: string | null;
  warranty_until?: string | null;
  attributes?: Record<string, unknown> | null;
}

/** What a device connects with. The password is shown this once and never again. */
export interface DeviceCredential {
  device: string;
  username: string;
  password: string;
  host: string;
  port: number;
  topic: string;
}

/** All about one device. */
export interface DeviceDetail {
  id: string;
  serial: string;
  product: Ref;
  site: Ref;
  customer: Ref;
  installed_at: string;
  warranty_until: string;
  last_seen: string | null;
  online: boolean;
  health: "good" | "watch" | "act" | "unknown";
  anomaly_score: number | null;
  top_risk: Risk | null;
  life: Life | null;
  open_orders: number;
  attributes: Record<string, number | string>;
  quantities: LatestReading[];
  risks: Risk[];
  lives: Life[];
  alerts: OpenAlert[];
  orders: Ref[];
  maintenance: MaintenanceEntry[];
  assessed_at: string | null;
  models: Record<string, string>;
}

/** Something the device said, or the platform noticed of it. */
export interface DeviceEventEntry {
  ts: string;
  kind: string;
  code: string;
  text: string;
}

/** Many devices as CSV; docs/devices.md names the columns. */
export interface DeviceFile {
  csv: string;
  skip_bad?: boolean;
}

/** The password of a new device. It is shown this once and never again. */
export interface DeviceSecret {
  device: string;
  password: string;
}

/** A line of the fleet table. ``health`` is the worst of alerts, risk and anomaly. */
export interface DeviceSummary {
  id: string;
  serial: string;
  product: Ref;
  site: Ref;
  customer: Ref;
  installed_at: string;
  warranty_until: string;
  last_seen: string | null;
  online: boolean;
  health: "good" | "watch" | "act" | "unknown";
  anomaly_score: number | null;
  top_risk: Risk | null;
  life: Life | null;
  open_orders: number;
}

/** What became of a file. */
export interface DevicesImported {
  devices: DeviceSecret[];
  skipped: BadLine[];
}

/** An event code or age that speaks for the finding. */
export interface EvidenceEvent {
  name: string;
  share: number;
}

/** A quantity that speaks for the finding, with the stretch to look at. */
export interface EvidenceQuantity {
  quantity: string;
  name: string;
  unit: string;
  share: number;
  start: string;
  end: string;
}

/** One way in which a component fails. */
export interface FailureModeEntry {
  id: string;
  name: string;
  component: Ref;
  remedy: string;
  skill: string;
}

/** Messages of a device that should have come and did not: numbers `first` to `last`. */
export interface GapEntry {
  boot: string;
  first: number;
  last: number;
  missing: number;
  opened_at: string;
  closed_at: string | null;
}

/** Whether the platform works, and each of its parts. */
export interface Healthz {
  status: "ok" | "failing";
  checks: Record<string, "ok" | "failing">;
}

/** A line of the order's history. */
export interface HistoryEntry {
  ts: string;
  actor: string;
  action: string;
  text: string;
}

/** What a waveform was turned into. */
export interface IndicatorValue {
  quantity: string;
  name: string;
  unit: string;
  value: number;
  alarm: number | null;
}

/** A new key. ``token`` is shown this once and never again. */
export interface KeyCreated {
  id: string;
  name: string;
  roles: Role[];
  hint: string;
  created_by: string;
  created_at: string;
  last_used_at: string | null;
  token: string;
}

/** A key that a program signs in with. */
export interface KeyEntry {
  id: string;
  name: string;
  roles: Role[];
  hint: string;
  created_by: string;
  created_at: string;
  last_used_at: string | null;
}

/** The newest value of a quantity. */
export interface LatestReading {
  quantity: string;
  name: string;
  unit: string;
  ts: string | null;
  value: number | null;
  alarm: number | null;
  waveform: string | null;
}

/** Remaining useful life of a component in hours, with its interval. */
export interface Life {
  component: Ref;
  low: number;
  median: number;
  high: number;
  level: number;
}

/** Remaining useful life of one component over time, in hours. */
export interface LifeCurve {
  component: Ref;
  low: (number | null)[];
  median: (number | null)[];
  high: (number | null)[];
}

/** What the envelope says of one fault of a bearing. */
export interface Line {
  fault: "bpfo" | "bpfi" | "bsf" | "ftf";
  expected_hz: number;
  found_hz: number;
  harmonics: (number | null)[];
  sidebands: number | null;
  score: number;
}

/** One message of the live stream (server-sent events). */
export interface LiveEvent {
  seq: number;
  topic: "orders" | "alerts" | "assessments";
  id: string;
}

/** A component was replaced. */
export interface MaintenanceEntry {
  ts: string;
  component: Ref;
  failed: boolean;
  source: string;
}

/** The signed-in user. */
export interface Me {
  id: string;
  username: string;
  name: string;
  roles: Role[];
}

/** A trained version: where it came from and how well it did on data it had not seen. */
export interface ModelCard {
  version: string;
  kind: "anomaly" | "failure" | "life";
  product: string;
  stage: "candidate" | "champion" | "retired";
  trained_at: string;
  data_start: string;
  data_end: string;
  devices: number;
  seed: number;
  features: string[];
  libraries: Record<string, string>;
  metrics: Record<string, unknown>;
}

/** An amount of money. */
export interface Money {
  amount: number;
  currency: string;
}

/** Keys with which devices register themselves, each once. */
export interface NewClaimKeys {
  product: string;
  site?: string;
  count?: number;
  days?: number;
}

/** Something that a device is to do. */
export interface NewCommand {
  name: string;
  arguments?: Record<string, unknown>;
  ttl_seconds?: number;
  timeout_seconds?: number;
  retries?: number;
}

/** A device to register. ``gateway`` is the device through which it speaks, if any. */
export interface NewDevice {
  id: string;
  product: string;
  site: string;
  serial?: string;
  gateway?: string;
  installed_at?: string | null;
  warranty_until?: string | null;
}

/** A key to make. */
export interface NewKey {
  name: string;
  roles: Role[];
}

/** A place to add. Its customer is made too when there is none of this id. */
export interface NewSite {
  id: string;
  name: string;
  customer: string;
  customer_name?: string;
  address?: string;
  latitude?: number | null;
  longitude?: number | null;
  timezone?: string;
}

/** A user to add, with a first password that the user should change. */
export interface NewUser {
  username: string;
  name: string;
  password: string;
  roles: Role[];
  technician?: string | null;
}

/** An open finding, for the device page. */
export interface OpenAlert {
  id: string;
  failure_mode: Ref;
  state: string;
  opened_at: string;
  order: string | null;
}

/** One of the weighed actions with its expected cost. */
export interface Option {
  action: "wait" | "ship" | "visit" | "urgent_visit";
  expected_cost: Money;
  failure_probability: number;
  chosen: boolean;
  reason: Text;
}

/** All about one order. */
export interface OrderDetail {
  id: string;
  number: string;
  kind: "visit" | "shipment";
  state: "proposed" | "accepted" | "scheduled" | "in_progress" | "completed" | "rejected" | "cancelled";
  priority: "urgent" | "high" | "normal";
  rank: number;
  device: Ref;
  product: Ref;
  site: Ref;
  customer: Ref;
  failure_mode: Ref;
  component: Ref | null;
  reason: Text;
  probability: number | null;
  horizon_hours: number;
  life_hours: number | null;
  opened_at: string;
  due: string;
  planned_start: string | null;
  technician: Ref | null;
  parts: PartLine[];
  warranty: Warranty;
  saving: Money;
  skill: string;
  work_hours: number;
  evidence: EvidenceQuantity[];
  evidence_events: EvidenceEvent[];
  options: Option[];
  history: HistoryEntry[];
  outcome: Outcome | null;
  actions: ("accept" | "reject" | "reschedule" | "complete" | "cancel")[];
  models: Record<string, string>;
  alert: string;
}

/** A line of the dispatcher's queue. Higher ``rank`` comes first. */
export interface OrderSummary {
  id: string;
  number: string;
  kind: "visit" | "shipment";
  state: "proposed" | "accepted" | "scheduled" | "in_progress" | "completed" | "rejected" | "cancelled";
  priority: "urgent" | "high" | "normal";
  rank: number;
  device: Ref;
  product: Ref;
  site: Ref;
  customer: Ref;
  failure_mode: Ref;
  component: Ref | null;
  reason: Text;
  probability: number | null;
  horizon_hours: number;
  life_hours: number | null;
  opened_at: string;
  due: string;
  planned_start: string | null;
  technician: Ref | null;
  parts: PartLine[];
  warranty: Warranty;
  saving: Money;
}

/** What was found on site. */
export interface Outcome {
  kind: "confirmed" | "other_component" | "no_fault_found" | null;
  component: Ref | null;
  note: string;
  serial: string;
}

export interface PageAlertSummary {
  items: AlertSummary[];
  next_cursor?: string | null;
  total: number;
}

export interface PageClaimKeyEntry {
  items: ClaimKeyEntry[];
  next_cursor?: string | null;
  total: number;
}

export interface PageCommandEntry {
  items: CommandEntry[];
  next_cursor?: string | null;
  total: number;
}

export interface PageDeviceEventEntry {
  items: DeviceEventEntry[];
  next_cursor?: string | null;
  total: number;
}

export interface PageDeviceSummary {
  items: DeviceSummary[];
  next_cursor?: string | null;
  total: number;
}

export interface PageGapEntry {
  items: GapEntry[];
  next_cursor?: string | null;
  total: number;
}

export interface PageKeyEntry {
  items: KeyEntry[];
  next_cursor?: string | null;
  total: number;
}

export interface PageModelCard {
  items: ModelCard[];
  next_cursor?: string | null;
  total: number;
}

export interface PageOrderSummary {
  items: OrderSummary[];
  next_cursor?: string | null;
  total: number;
}

export interface PagePartEntry {
  items: PartEntry[];
  next_cursor?: string | null;
  total: number;
}

export interface PageProductEntry {
  items: ProductEntry[];
  next_cursor?: string | null;
  total: number;
}

export interface PageRejectedEntry {
  items: RejectedEntry[];
  next_cursor?: string | null;
  total: number;
}

export interface PageSiteEntry {
  items: SiteEntry[];
  next_cursor?: string | null;
  total: number;
}

export interface PageTechnicianEntry {
  items: TechnicianEntry[];
  next_cursor?: string | null;
  total: number;
}

export interface PageUserEntry {
  items: UserEntry[];
  next_cursor?: string | null;
  total: number;
}

export interface PageWaveformSummary {
  items: WaveformSummary[];
  next_cursor?: string | null;
  total: number;
}

/** A spare part and its stock. */
export interface PartEntry {
  number: string;
  name: string;
  stock: number;
  reserved: number;
}

/** A part that the order needs. ``available`` counts stock that nobody has reserved. */
export interface PartLine {
  number: string;
  name: string;
  quantity: number;
  available: number;
  reserved: boolean;
}

/** An error as RFC 9457 problem details (``application/problem+json``). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  errors?: Record<string, unknown>[];
}

/** A catalogue entry. */
export interface ProductEntry {
  id: string;
  name: string;
  version: number;
  step_minutes: number;
  quantities: QuantityEntry[];
  components: ComponentEntry[];
  failure_modes: FailureModeEntry[];
  devices: number;
}

/** Something measured. */
export interface QuantityEntry {
  id: string;
  name: string;
  unit: string;
  low: number;
  high: number;
  alarm: number | null;
  setting: boolean;
}

/** A thing that has a page of its own. */
export interface Ref {
  id: string;
  name: string;
}

/** Turn the proposal down; the reason teaches the models. */
export interface Reject {
  reason: "not_needed" | "duplicate" | "customer_refused" | "wrong_part" | "other";
  note?: string;
}

/** How many messages were set aside for one reason. */
export interface RejectedCount {
  code: string;
  count: number;
}

/** A message that was set aside. */
export interface RejectedEntry {
  id: number;
  received: string;
  device: string;
  topic: string;
  code: string;
  hint: string;
  field: string;
  payload: string;
  encoding: string;
  size: number;
  whole: boolean;
}

/** Which messages to take in again: those of ``ids``, or all that fit the rest. */
export interface Replay {
  ids?: number[] | null;
  device?: string;
  code?: string;
  q?: string;
}

/** How many messages will be taken in again. */
export interface ReplayAsked {
  asked: number;
}

/** Another time or another technician. */
export interface Reschedule {
  planned_start: string;
  technician?: string | null;
  note?: string;
}

/** Probability that a component fails within ``horizon_hours``. */
export interface Risk {
  component: Ref;
  probability: number;
  horizon_hours: number;
}

/** Failure probability of one component over time. */
export interface RiskCurve {
  component: Ref;
  probability: (number | null)[];
}

/** What a user may do; a user has one or more. */
export type Role = "dispatcher" | "technician" | "reliability_engineer" | "firmware" | "admin";

/** A stretch of one series, reduced to at most the points asked for. */
export interface Series {
  quantity: string;
  name: string;
  unit: string;
  alarm: number | null;
  step_seconds: number;
  ts: number[];
  low: number[];
  mean: number[];
  high: number[];
}

/** The platform's time; a browser counts SLA clocks down from it at ``speed``. */
export interface ServerClock {
  now: string;
  speed: number;
}

/** What the console needs to know before anything else. Open to everybody. */
export interface Session {
  user: Me | null;
  setup_required: boolean;
  clock: ServerClock;
  mode: "observe" | "suggest" | "auto";
  version: string;
  csrf_token: string;
}

/** The first administrator, made with the one-time token that the server printed. */
export interface SetUp {
  token: string;
  username: string;
  name: string;
  password: string;
}

/** Credentials of a person. */
export interface SignIn {
  username: string;
  password: string;
}

/** A place where devices stand. */
export interface SiteEntry {
  id: string;
  name: string;
  customer: Ref;
  address: string;
  latitude: number | null;
  longitude: number | null;
  devices: number;
}

/** A stretch of time. */
export interface Span {
  start: string;
  end: string;
}

/** Strengths by frequency, reduced to the highest by bucket. */
export interface Spectrum {
  hz: number[];
  value: number[];
}

/** The numbers above the queue. */
export interface Summary {
  proposed: number;
  accepted: number;
  overdue: number;
  devices: number;
  devices_online: number;
  devices_act: number;
  devices_watch: number;
  completed_90d: number;
  needless_90d: number;
  failures_90d: number;
}

/** Somebody who can be sent. */
export interface TechnicianEntry {
  id: string;
  name: string;
  skills: string[];
  home_site: string;
  open_orders: number;
}

/** A sentence in the reader's language, with its code and parameters for programs. */
export interface Text {
  code: string;
  params?: Record<string, unknown>;
  text: string;
}

/** Samples over time, reduced to their lowest and highest by bucket. */
export interface Trace {
  ts: number[];
  low: number[];
  high: number[];
}

/** What to change; what is left out stays. A new password ends the user's sessions. */
export interface UserChange {
  name?: string | null;
  roles?: Role[] | null;
  disabled?: boolean | null;
  password?: string | null;
  technician?: string | null;
}

/** Somebody who can sign in. */
export interface UserEntry {
  id: string;
  username: string;
  name: string;
  roles: Role[];
  disabled: boolean;
  technician: string | null;
  created_at: string;
}

/** What a waveform says of one bearing, with the evidence. */
export interface Verdict {
  bearing: Ref;
  component: Ref;
  finding: "outer_race" | "inner_race" | "rolling_element" | "raised" | "none" | "unknown";
  why: "no_speed" | "too_short" | "rate_too_low" | "clipped" | "flat" | null;
  lines: Line[];
}

/** Whether the repair is under warranty at the time of the order. */
export interface Warranty {
  covered: boolean;
  until: string;
}

/** A waveform with all that it says, computed now. */
export interface WaveformDetail {
  id: string;
  source: Ref;
  ts: string;
  seconds: number;
  rate_hz: number;
  speed_hz: number | null;
  state: "pending" | "done" | "failed";
  error: string;
  rms_velocity: number | null;
  zone: "A" | "B" | "C" | "D" | null;
  fault: "outer_race" | "inner_race" | "rolling_element" | "raised" | "none" | "unknown" | null;
  unit: string;
  clipped: boolean;
  level_raised: boolean;
  zone_limits: number[] | null;
  signal: Trace;
  spectrum: Spectrum;
  envelope: Spectrum | null;
  indicators: IndicatorValue[];
  verdicts: Verdict[];
}

/** A waveform in the list; zone and fault are those of its stored indicators. */
export interface WaveformSummary {
  id: string;
  source: Ref;
  ts: string;
  seconds: number;
  rate_hz: number;
  speed_hz: number | null;
  state: "pending" | "done" | "failed";
  error: string;
  rms_velocity: number | null;
  zone: "A" | "B" | "C" | "D" | null;
  fault: "outer_race" | "inner_race" | "rolling_element" | "raised" | "none" | "unknown" | null;
}

/** Every call: what goes into the address and the body, and the answer. */
export interface Operations {
  "GET /alerts": {
    query: { state?: "open" | "acknowledged" | "cleared" | null; device?: string; cursor?: string | null; limit?: number };
    answer: PageAlertSummary;
  };
  "GET /claim-keys": {
    query: { cursor?: string | null; limit?: number };
    answer: PageClaimKeyEntry;
  };
  "POST /claim-keys": {
    body: NewClaimKeys;
    answer: ClaimKeyCreated[];
  };
  "DELETE /claim-keys/{key_id}": {
    path: { key_id: string };
    answer: undefined;
  };
  "POST /claims": {
    body: Claim;
    answer: DeviceCredential;
  };
  "GET /devices": {
    query: { q?: string; product?: string; site?: string; health?: "good" | "watch" | "act" | "unknown" | null; sort?: "health" | "id"; cursor?: string | null; limit?: number };
    answer: PageDeviceSummary;
  };
  "POST /devices": {
    body: NewDevice;
    answer: DeviceCredential;
  };
  "POST /devices/import": {
    body: DeviceFile;
    answer: DevicesImported;
  };
  "GET /devices/{device_id}": {
    path: { device_id: string };
    answer: DeviceDetail;
  };
  "PATCH /devices/{device_id}": {
    path: { device_id: string };
    body: DeviceChange;
    answer: undefined;
  };
  "GET /devices/{device_id}/assessments": {
    path: { device_id: string };
    query: { start?: string | null; end?: string | null; points?: number };
    answer: AssessmentHistory;
  };
  "POST /devices/{device_id}/commands": {
    path: { device_id: string };
    body: NewCommand;
    answer: CommandEntry;
  };
  "GET /devices/{device_id}/commands": {
    path: { device_id: string };
    query: { cursor?: string | null; limit?: number };
    answer: PageCommandEntry;
  };
  "GET /devices/{device_id}/commands/{command_id}": {
    path: { device_id: string; command_id: string };
    answer: CommandEntry;
  };
  "GET /devices/{device_id}/credential": {
    path: { device_id: string };
    answer: CredentialState;
  };
  "GET /devices/{device_id}/events": {
    path: { device_id: string };
    query: { start?: string | null; end?: string | null; cursor?: string | null; limit?: number };
    answer: PageDeviceEventEntry;
  };
  "GET /devices/{device_id}/gaps": {
    path: { device_id: string };
    query: { cursor?: string | null; limit?: number };
    answer: PageGapEntry;
  };
  "GET /devices/{device_id}/readings": {
    path: { device_id: string };
    query: { quantity: string; start?: string | null; end?: string | null; points?: number };
    answer: Series;
  };
  "POST /devices/{device_id}/revoke": {
    path: { device_id: string };
    answer: undefined;
  };
  "POST /devices/{device_id}/secret": {
    path: { device_id: string };
    answer: DeviceCredential;
  };
  "GET /devices/{device_id}/waveforms": {
    path: { device_id: string };
    query: { source?: string; start?: string | null; end?: string | null; cursor?: string | null; limit?: number };
    answer: PageWaveformSummary;
  };
  "GET /devices/{device_id}/waveforms/{waveform_id}": {
    path: { device_id: string; waveform_id: string };
    query: { points?: number };
    answer: WaveformDetail;
  };
  "GET /keys": {
    query: { cursor?: string | null; limit?: number };
    answer: PageKeyEntry;
  };
  "POST /keys": {
    body: NewKey;
    answer: KeyCreated;
  };
  "DELETE /keys/{key_id}": {
    path: { key_id: string };
    answer: undefined;
  };
  "GET /models": {
    query: { product?: string; kind?: "anomaly" | "failure" | "life" | null; cursor?: string | null; limit?: number };
    answer: PageModelCard;
  };
  "GET /orders": {
    query: { state?: "proposed" | "accepted" | "scheduled" | "in_progress" | "completed" | "rejected" | "cancelled" | "open" | null; kind?: "visit" | "shipment" | null; priority?: "urgent" | "high" | "normal" | null; q?: string; device?: string; site?: string; technician?: string; overdue?: boolean; cursor?: string | null; limit?: number };
    answer: PageOrderSummary;
  };
  "GET /orders/{order_id}": {
    path: { order_id: string };
    answer: OrderDetail;
  };
  "POST /orders/{order_id}/accept": {
    path: { order_id: string };
    body: Accept;
    answer: OrderDetail;
  };
  "POST /orders/{order_id}/cancel": {
    path: { order_id: string };
    body: Cancel;
    answer: OrderDetail;
  };
  "POST /orders/{order_id}/complete": {
    path: { order_id: string };
    body: Complete;
    answer: OrderDetail;
  };
  "POST /orders/{order_id}/reject": {
    path: { order_id: string };
    body: Reject;
    answer: OrderDetail;
  };
  "POST /orders/{order_id}/reschedule": {
    path: { order_id: string };
    body: Reschedule;
    answer: OrderDetail;
  };
  "GET /parts": {
    query: { cursor?: string | null; limit?: number };
    answer: PagePartEntry;
  };
  "GET /products": {
    query: { cursor?: string | null; limit?: number };
    answer: PageProductEntry;
  };
  "GET /quarantine": {
    query: { cursor?: string | null; limit?: number; device?: string; code?: string; q?: string; start?: string | null; end?: string | null };
    answer: PageRejectedEntry;
  };
  "GET /quarantine/counts": {
    query: { device?: string; code?: string; q?: string; start?: string | null; end?: string | null };
    answer: RejectedCount[];
  };
  "POST /quarantine/replay": {
    body: Replay;
    answer: ReplayAsked;
  };
  "GET /session": {
    answer: Session;
  };
  "POST /session": {
    body: SignIn;
    answer: Session;
  };
  "DELETE /session": {
    answer: undefined;
  };
  "POST /setup": {
    body: SetUp;
    answer: Session;
  };
  "GET /sites": {
    query: { cursor?: string | null; limit?: number };
    answer: PageSiteEntry;
  };
  "POST /sites": {
    body: NewSite;
    answer: SiteEntry;
  };
  "GET /stream": {
    answer: undefined;
  };
  "GET /summary": {
    answer: Summary;
  };
  "GET /technicians": {
    query: { cursor?: string | null; limit?: number };
    answer: PageTechnicianEntry;
  };
  "GET /users": {
    query: { cursor?: string | null; limit?: number };
    answer: PageUserEntry;
  };
  "POST /users": {
    body: NewUser;
    answer: UserEntry;
  };
  "PATCH /users/{user_id}": {
    path: { user_id: string };
    body: UserChange;
    answer: UserEntry;
  };
}
