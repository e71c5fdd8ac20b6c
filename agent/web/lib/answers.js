/** What answers to the questions of jobs mean, wherever they are given. */

/** Ids of answers that end the job. */
export const GIVE_UP = new Set(["stop", "undo"]);

/** Answers that cannot be taken back, and what they cost: said before they are given. */
export const COSTS = /** @type {Record<string, string>} */ ({
  replace: "The credentials that the device has now stop at once: whatever connects with them is cut off, and only this board gets the new ones. The history of the device stays.",
});
