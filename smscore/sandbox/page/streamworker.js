// The worker that all tabs share: it lives as long as one of them does.

import { readForAll } from "./stream.js";

readForAll(self);
