import { showCount } from "./basket.js";
import { CATALOGUE, money } from "./catalogue.js";
import { element } from "./element.js";
import { showPanel } from "./panel.js";

showPanel();
showCount();
tracker.track("page-view", { category: "home" });

document.getElementById("products").append(
  ...CATALOGUE.map(({ sku, name, price, image }) =>
    element("a", { class: "card", href: `product.html?sku=${sku}` },
      element("img", { src: image, alt: "", width: "320", height: "240" }),
      element("span", { class: "name" }, name),
      element("span", { class: "price" }, money(price)),
    ),
  ),
);

const form = document.getElementById("newsletter");
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const email = document.getElementById("email").value;
  tracker.track("newsletter-sign-up", { email: { main: email } }, { context: { form: "home" } });
  form.reset();
  document.getElementById("newsletter-done").textContent = "Thank you. No letter will come: this is a demo.";
});

// Two names of one machine are two sites to a browser: nothing but the link says who comes.
const otherName = location.hostname === "localhost" ? "127.0.0.1" : "localhost";
document.getElementById("other-shop").href = `//${otherName}:${location.port}/`;
