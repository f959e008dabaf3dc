import { empty, lines, showCount, total } from "./basket.js";
import { CURRENCY, money, propertiesOf } from "./catalogue.js";
import { element } from "./element.js";
import { showPanel } from "./panel.js";

const buy = document.getElementById("buy");

function showLines() {
  const rows = lines().map(({ product, quantity }) =>
    element("tr", {},
      element("td", {}, product.name),
      element("td", {}, String(quantity)),
      element("td", {}, money(product.price * quantity)),
    ),
  );
  const none = element("tr", {}, element("td", { colspan: "3", class: "quiet" }, "The basket is empty."));
  document.getElementById("lines").replaceChildren(...(rows.length > 0 ? rows : [none]));
  document.getElementById("total").textContent = money(total());
  buy.disabled = rows.length === 0;
}

function order() {
  return {
    value: Number(total().toFixed(2)),
    currency: CURRENCY,
    products: lines().map(({ product, quantity }) => propertiesOf(product, quantity)),
  };
}

showPanel();
showCount();
showLines();
tracker.track("page-view", { category: "checkout" });
if (lines().length > 0) {
  tracker.track("checkout-started", order());
}

buy.addEventListener("click", () => {
  tracker.track("checkout-completed", order());
  empty();
  showLines();
  document.getElementById("bought").textContent = "Bought. Nothing will be delivered: this is a demo.";
});
