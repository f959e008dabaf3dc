import { add, showCount } from "./basket.js";
import { money, productOf, propertiesOf } from "./catalogue.js";
import { showPanel } from "./panel.js";

const product = productOf(new URLSearchParams(location.search).get("sku"));

document.title = `${product.name} – Saltmarsh Supply`;
for (const part of ["category", "name", "text"]) {
  document.getElementById(part).textContent = product[part];
}
document.getElementById("price").textContent = money(product.price);
document.getElementById("image").src = product.image;

showPanel();
showCount();
// Two events of one page load: they go out as one request.
tracker.track("page-view", { category: product.category });
tracker.track("product-details-page-view", propertiesOf(product));

document.getElementById("add").addEventListener("click", () => {
  add(product);
  tracker.track("product-added-to-basket", propertiesOf(product));
  document.getElementById("added").textContent = `${product.name} is in the basket.`;
});
