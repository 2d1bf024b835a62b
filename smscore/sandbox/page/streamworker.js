// The worker that all tabs share; it ends with the last of them.

import { readForAll } from "./stream.js";

readForAll(self);
