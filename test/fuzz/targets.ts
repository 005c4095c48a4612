// Fuzz: every target, by name.
import { decoderTarget } from './decoder-target.ts';
import { framesTarget } from './frames-target.ts';
import { headTarget } from './head-target.ts';
import { inflateTarget } from './inflate-target.ts';
import type { Target } from './target.ts';

export const TARGETS: readonly Target[] = [framesTarget, decoderTarget, inflateTarget, headTarget];
