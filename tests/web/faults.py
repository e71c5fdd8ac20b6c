"""What is wrong with a page for people who listen, use the keyboard or zoom."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Page

FAULTS = """() => {
  const shown = (element) => element.checkVisibility({ visibilityProperty: true });
  const name = (element) =>
    (element.getAttribute("aria-label") ?? "") +
    [...(element.labels ?? [])].map((label) => label.textContent).join("") +
    (element.matches("button, a") ? element.textContent : "") +
    (element.matches("svg") ? "" : "");
  const all = (selector) => [...document.querySelectorAll(selector)].filter(shown);
  const faults = [];
  for (const element of all("input, select, textarea, button, a[href], [role=img], progress")) {
    if (!name(element).trim()) faults.push(`no name: ${element.outerHTML.slice(0, 120)}`);
  }
  for (const element of document.querySelectorAll("[aria-describedby], [aria-labelledby], label[for]")) {
    const ids = ["aria-describedby", "aria-labelledby", "for"].flatMap(
      (attribute) => (element.getAttribute(attribute) ?? "").split(" ").filter(Boolean));
    for (const id of ids) if (!document.getElementById(id)) faults.push(`nothing has the id ${id}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  if (new Set(ids).size !== ids.length) faults.push("an id is used twice");
  for (const svg of document.querySelectorAll("svg")) {
    if (svg.closest("[aria-hidden=true]") || svg.getAttribute("aria-label")) continue;
    faults.push("svg without a name");
  }
  if (all("h1").length < 1) faults.push("no first heading");
  if (document.querySelectorAll("main, [role=main]").length !== 1) faults.push("not one main");
  if (document.querySelector("[style]")) faults.push("inline style");
  if (all("[tabindex]").some((element) => element.tabIndex > 0)) faults.push("tab order by number");
  for (const element of all("button, a.button, select, input:not([type=radio], [type=checkbox])")) {
    const { height } = element.getBoundingClientRect();
    if (height < 24) faults.push(`too small to hit: ${element.outerHTML.slice(0, 80)}`);
  }
  return faults;
}"""


async def faults_of(page: Page) -> list[str]:
    """In what is shown now; empty: nothing."""
    found: list[str] = await page.evaluate(FAULTS)
    return found
