// telemetry: pushes metrics at intervals, instead of the SDK's reader, whose time-out fires before it reads an answer.
import { diag } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { type MetricProducer, MetricReader, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { patiently, type Wait } from '../../time/patience.ts';
import type { Abandonable } from './batching.ts';
import type { ExportLosses } from './drops.ts';
import type { BatchExporter, BatchResult } from './http-exporter.ts';

export interface MetricPusherDeps {
  readonly exporter: BatchExporter<ResourceMetrics>;
  readonly producers: MetricProducer[];
  readonly everyMs: number;
  /** Time after which an export counts as failed (SPEC D14). */
  readonly timeoutMs: number;
  /** Counts data points; undefined = no counts, which is right for the console. */
  readonly losses: ExportLosses | undefined;
}

/**
 * A reader for the SDK. One export runs at a time: an interval that comes while one is under way is
 * left out.
 */
export class MetricPusher extends MetricReader implements Abandonable {
  readonly #deps: MetricPusherDeps;
  #interval: NodeJS.Timeout | undefined;
  #underWay: Promise<void> | undefined;
  #giveUp: ((reason: string) => void) | undefined;
  #abandoned: string | undefined;

  constructor(deps: MetricPusherDeps) {
    super({ metricProducers: deps.producers });
    this.#deps = deps;
  }

  abandon(reason: string): void {
    this.#abandoned = reason;
    clearInterval(this.#interval);
    this.#deps.exporter.abandon?.(reason);
    this.#giveUp?.(reason);
  }

  protected override onInitialized(): void {
    this.#interval = setInterval(() => void this.#push(), this.#deps.everyMs);
    this.#interval.unref();
  }

  protected override async onForceFlush(): Promise<void> {
    await this.#underWay;
    await this.#push();
    await this.#deps.exporter.forceFlush?.();
  }

  protected override async onShutdown(): Promise<void> {
    clearInterval(this.#interval);
    await this.onForceFlush();
    await this.#deps.exporter.shutdown();
  }

  /** Collects and exports once. Never rejects. */
  #push(): Promise<void> {
    this.#underWay ??= this.#collectAndExport().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #collectAndExport(): Promise<void> {
    try {
      const { resourceMetrics, errors } = await this.collect();
      for (const error of errors) diag.error('a metric source failed', error);
      const points = countPoints(resourceMetrics);
      if (points > 0) this.#count(points, await this.#export(resourceMetrics));
    } catch (error) {
      diag.error('metrics could not be collected', error);
    }
  }

  #export(metrics: ResourceMetrics): Promise<BatchResult> {
    const { exporter, timeoutMs } = this.#deps;
    return new Promise((resolve) => {
      let guard: Wait | undefined;
      const end = (result: BatchResult): void => {
        guard?.cancel();
        this.#giveUp = undefined;
        resolve(result);
      };
      const fail = (reason: string): void => end({ code: ExportResultCode.FAILED, error: new Error(reason) });
      if (this.#abandoned !== undefined) {
        fail(this.#abandoned);
        return;
      }
      this.#giveUp = fail;
      exporter.export(metrics, end);
      // The wait begins after the exporter's own, which knows more of the reason when both end
      // together.
      if (this.#giveUp !== undefined) guard = patiently(timeoutMs, () => fail('export timed out'));
    });
  }

  #count(points: number, { code, error, rejected = 0, message = '' }: BatchResult): void {
    if (code === ExportResultCode.SUCCESS) this.#deps.losses?.accepted(points, rejected, message);
    else this.#deps.losses?.failed(points, error ?? 'refused');
  }
}

function countPoints({ scopeMetrics }: ResourceMetrics): number {
  let points = 0;
  for (const { metrics } of scopeMetrics) for (const { dataPoints } of metrics) points += dataPoints.length;
  return points;
}
