/** Two codec packages of kafkajs that ship no types: what we call of them. */
declare module 'kafkajs-snappy' {
  /** Snappy blocks, bare or in the framing of Java's clients. */
  const codec: () => {
    compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
    decompress(buffer: Buffer): Promise<Buffer>;
  };
  export = codec;
}

declare module 'lz4js' {
  /** One frame of LZ4. */
  export function compress(source: Uint8Array): Uint8Array;
  /** Writes a block's content into `into` from `at` on, and returns where it ends. */
  export function decompressBlock(
    source: Uint8Array,
    into: Uint8Array,
    from: number,
    length: number,
    at: number,
  ): number;
}
