/** Reads what projects keep secret, for the steps that use it. */
export interface SecretReader {
  /**
   * As it is kept; undefined if the project has none of this name. Each reading
   * leaves an entry in the project's audit.
   */
  read(
    projectId: string,
    name: string,
    reader: string,
  ): Promise<Uint8Array | undefined>;
}
