/** The errors that a page meets: those of the agent, and those of the connection to it. */

/** An error of the agent or of the connection: what happened, what it means, what to do. */
export class MooringError extends Error {
  /** @param {Partial<import("../types.js").ErrorReport>} report */
  constructor(report) {
    super(report.title ?? "Something went wrong.");
    this.name = "MooringError";
    /** Stable and short; fit for support and for `switch`. */
    this.code = report.code ?? "error";
    this.title = this.message;
    this.meaning = report.meaning ?? "";
    this.remedy = report.remedy ?? "";
    /** True if the same request may succeed later. */
    this.retryable = report.retryable ?? false;
    /** Details for programs, such as `field` of a wrong input. */
    this.facts = report.facts ?? {};
  }
}

/** An error as JSON-RPC carries it. @param {{code: number, message?: string, data?: any}} error */
export function reported(error) {
  const fallback = { code: `rpc${error.code}`, title: error.message };
  return new MooringError({ ...fallback, ...error.data });
}

export const gone = () =>
  new MooringError({
    code: "agent-gone",
    title: "The agent is not running.",
    meaning: "The page has no connection to it. What it had begun, it finishes or undoes.",
    remedy: "Start the agent again; this page connects by itself.",
    retryable: true,
  });

export const late = (/** @type {string} */ method, /** @type {number} */ limit) =>
  new MooringError({
    code: "timeout",
    title: `The agent did not answer within ${Math.round(limit / 1000)} s.`,
    meaning: `It may still be working on “${method}”.`,
    remedy: "Wait a moment and try again.",
    retryable: true,
    facts: { method, limit_ms: limit },
  });

export const abandoned = (/** @type {string} */ method) =>
  new MooringError({ code: "abandoned", title: `“${method}” was given up.`, facts: { method } });

export const tooMany = (/** @type {number} */ limit) =>
  new MooringError({
    code: "rate-exceeded",
    title: `More than ${limit} requests at once.`,
    meaning: "The page asked faster than the agent could answer.",
    remedy: "Wait a moment and try again.",
    retryable: true,
  });
