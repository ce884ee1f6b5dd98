/** The event data that every contender handles: an order of about 200 bytes. */
export function sampleData(): Record<string, unknown> {
  return {
    orderId: "ord-20250628-000042",
    customer: { id: "cus-7731", country: "DE" },
    lines: [
      { sku: "A-1001", quantity: 2, cents: 1299 },
      { sku: "B-2040", quantity: 1, cents: 4900 },
    ],
    totalCents: 7498,
    currency: "EUR",
  };
}
