// Decodes protobuf wire format by hand, knowing nothing of the code under test: field numbers in, raw values out.

/**
 * One field as it stands on the wire: a varint or fixed64 as bigint, fixed32 as number,
 * length-delimited as bytes.
 */
export type WireValue = bigint | number | Uint8Array;
export type WireMessage = ReadonlyMap<number, readonly WireValue[]>;

/** Reads one message; throws on anything malformed. */
export function readMessage(bytes: Uint8Array): WireMessage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields = new Map<number, WireValue[]>();
  let at = 0;

  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= bytes.length) throw new Error('varint runs past the end');
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Error('varint longer than ten bytes');
  }

  function value(type: number): WireValue {
    switch (type) {
      case 0:
        return varint();
      case 1:
        at += 8;
        return view.getBigUint64(at - 8, true);
      case 2: {
        const length = Number(varint());
        if (at + length > bytes.length) throw new Error('field runs past the end');
        at += length;
        return bytes.subarray(at - length, at);
      }
      case 5:
        at += 4;
        return view.getUint32(at - 4, true);
      default:
        throw new Error(`wire type ${type}`);
    }
  }

  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    if (number === 0) throw new Error('field number 0');
    const values = fields.get(number) ?? [];
    values.push(value(tag & 7));
    fields.set(number, values);
  }
  return fields;
}

export function messages(message: WireMessage, field: number): WireMessage[] {
  return (message.get(field) ?? []).map((each) => readMessage(each as Uint8Array));
}

export function text(message: WireMessage, field: number): string {
  const value = message.get(field)?.at(-1);
  return value === undefined ? '' : new TextDecoder('utf-8', { fatal: true }).decode(value as Uint8Array);
}

export function hex(message: WireMessage, field: number): string {
  const value = message.get(field)?.at(-1);
  return value === undefined ? '' : Buffer.from(value as Uint8Array).toString('hex');
}

export function integer(message: WireMessage, field: number): bigint {
  return BigInt((message.get(field)?.at(-1) as bigint | number | undefined) ?? 0);
}

/** A double that travelled as fixed64 bits. */
export function double(bits: bigint): number {
  return new Float64Array(new BigUint64Array([bits]).buffer)[0]!;
}
