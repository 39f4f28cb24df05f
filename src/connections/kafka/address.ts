/** Of `host:port`, `[::1]:port` or `host`: 9092 where no port is said. */
export function brokerAddress(broker: string): { readonly host: string; readonly port: number } {
  const at = broker.lastIndexOf(":");
  if (at === -1) return { host: broker, port: 9092 };
  return { host: broker.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(broker.slice(at + 1)) };
}
