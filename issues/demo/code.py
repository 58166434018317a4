"""The source code that the shop's stack traces lead through, and frames that show it."""

from functools import cache
from typing import Any

Frame = dict[str, Any]

LINES_AROUND = 4

SOURCES = {
    "shop/checkout/views.py": """\
class CheckoutView(LoginRequiredMixin, View):
    def post(self, request):
        cart = carts.current(request)
        form = CheckoutForm(request.POST, cart=cart)
        if not form.is_valid():
            return self.render(form, status=422)
        order = orders.place(cart, form.cleaned_data, by=request.user)
        request.session["last_order"] = order.pk
        return redirect("checkout:done", order.number)
""",
    "shop/checkout/orders.py": """\
def place(cart, details, *, by):
    with transaction.atomic():
        order = Order.objects.create(customer=by.customer, currency=cart.currency)
        for item in cart.items.select_related("product"):
            stock.reserve(item.product, item.quantity)
            order.lines.create(product=item.product, quantity=item.quantity, price=item.price)
        order.total = pricing.total(order, voucher=details.get("voucher"))
        payment = payments.authorize(order, details["card_token"])
        order.mark_paid(payment)
    notify.order_placed.delay(order.pk)
    return order
""",
    "shop/checkout/pricing.py": """\
def total(order, voucher=None):
    amount = sum(line.price * line.quantity for line in order.lines.all())
    if voucher:
        amount -= discount(amount, VOUCHERS[voucher.upper()])
    rate = TAX_RATES[order.shipping_address.country]
    return (amount * (1 + rate)).quantize(CENT)


def discount(amount, voucher):
    return amount * voucher.percent / Decimal(voucher.divisor)
""",
    "shop/checkout/payments.py": """\
def authorize(order, card_token):
    payload = {"amount": str(order.total), "currency": order.currency, "card": card_token}
    response = session.post(f"{GATEWAY}/authorizations", json=payload, timeout=5)
    if response.status_code == 402:
        raise PaymentDeclined(response.json()["reason"])
    response.raise_for_status()
    return Payment.objects.create(order=order, reference=response.json()["id"])
""",
    "shop/stock/services.py": """\
def reserve(product, quantity):
    row = StockItem.objects.select_for_update().get(product=product)
    if row.available < quantity:
        raise OutOfStock(f"{product.sku}: {row.available} left, {quantity} wanted")
    row.available = F("available") - quantity
    row.save(update_fields=["available"])
""",
    "shop/catalog/views.py": """\
class ProductView(View):
    def get(self, request, slug):
        product = Product.objects.published().get(slug=slug)
        prices = search.prices_near(product, request.country)
        picture = product.pictures.first().rendition("large")
        return render(request, "product.html", {"product": product, "picture": picture})
""",
    "shop/catalog/search.py": """\
def prices_near(product, country):
    key = f"prices:{country.lower()}:{product.pk}"
    cached = cache.get(key)
    if cached is None:
        cached = json.loads(index.query(product.sku, country=country).body)
        cache.set(key, cached, timeout=600)
    return [Price(**row) for row in cached["hits"]]
""",
    "shop/reports/tasks.py": """\
@shared_task(bind=True, max_retries=3)
def nightly_sales(self, day):
    rows = Order.objects.paid().on(day).values_list("number", "total", "currency")
    report = render_report(rows, rates=rates.for_day(day))
    storage.save(f"sales/{day:%Y-%m-%d}.csv", report)
    mail_managers("Sales", f"{len(rows)} orders", attachment=report)
""",
    "src/mailer.js": """\
async function deliver(job) {
  const template = await templates.load(job.template);
  const html = template.render(job.data);
  const message = { to: job.data.customer.email, subject: template.subject, html };
  const receipt = await transport.sendMail(message);
  await metrics.increment('mail.sent', { template: job.template });
  return receipt.messageId;
}
""",
    "src/queue.js": """\
async function work(queue) {
  for await (const job of queue.take({ batch: 16 })) {
    const handler = handlers[job.kind];
    try {
      await handler(job);
      await queue.acknowledge(job.id);
    } catch (error) {
      if (job.attempts >= 3) throw error;
      await queue.retry(job.id, backoff(job.attempts));
    }
  }
}
""",
    "src/templates.js": """\
async function load(name) {
  if (cache.has(name)) return cache.get(name);
  const source = await fs.readFile(path.join(ROOT, `${name}.hbs`), 'utf8');
  const template = compile(source, { strict: true });
  cache.set(name, template);
  return template;
}
""",
    "src/webhooks.js": """\
router.post('/hooks/:partner', async (request, response) => {
  const partner = partners.find(request.params.partner);
  verifySignature(request.headers['x-signature'], request.rawBody, partner.secret);
  const event = JSON.parse(request.rawBody);
  await handlers[event.type](event.payload);
  response.status(204).end();
});
""",
}


@cache
def _lines(path: str) -> list[str]:
    return SOURCES[path].splitlines()


def in_source(path: str, function: str, line: str, **more: Any) -> Frame:
    """A frame at the line of the shop's own source that begins with this text."""
    lines = _lines(path)
    index = next(i for i, text in enumerate(lines) if text.strip().startswith(line))
    return {
        "filename": path,
        "function": function,
        "lineno": index + 12,  # imports, which are not told here, come before
        "context_line": lines[index],
        "pre_context": lines[max(0, index - LINES_AROUND) : index],
        "post_context": lines[index + 1 : index + 1 + LINES_AROUND],
        "in_app": True,
        **more,
    }


def python(path: str, function: str, line: str) -> Frame:
    module = path.removesuffix(".py").replace("/", ".")
    return in_source(path, function, line, module=module, abs_path=f"/srv/shop/{path}")


def node(path: str, function: str, line: str) -> Frame:
    return in_source(path, function, line, abs_path=f"/app/{path}", colno=15)


def browser(script: str, function: str, lineno: int, colno: int, *, own: bool = True) -> Frame:
    """Browsers know no source, only addresses; the module is what grouping goes by."""
    url = f"https://shop.example.com/assets/{script}"
    return {
        "module": f"assets/{script.removesuffix('.js')}",
        "filename": url,
        "abs_path": url,
        "function": function,
        "lineno": lineno,
        "colno": colno,
        "in_app": own,
    }


def java(module: str, function: str, lineno: int) -> Frame:
    name = module.rpartition(".")[2].partition("$")[0]
    return {
        "module": module,
        "function": function,
        "filename": f"{name}.java",
        "lineno": lineno,
        "in_app": module.startswith("com.example."),
    }


def library(path: str, function: str, lineno: int, *, root: str) -> Frame:
    """A frame in somebody else's code."""
    return {
        "filename": path,
        "abs_path": f"{root}/{path}",
        "module": path.rpartition(".")[0].replace("/", "."),
        "function": function,
        "lineno": lineno,
        "in_app": False,
    }
