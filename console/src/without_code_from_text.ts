/**
 * To be imported before any schema is made: zod would make code from text, which
 * the page's policy does not allow, and the browser would say so each time.
 *
 * @module
 */
import { config } from "zod";

config({ jitless: true });
