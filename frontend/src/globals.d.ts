/** The version that the pages are built as: the one of package.json. */
declare const __CERTYARD_VERSION__: string;
