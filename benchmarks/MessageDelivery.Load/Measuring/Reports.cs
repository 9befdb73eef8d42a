using System.Text.Json.Serialization;
using HdrHistogram;

namespace MessageDelivery.Load.Measuring;

/// <summary>What a run prints. Sizes are bytes; a megabyte here is a million of them.</summary>
/// <param name="Window">Null in an open loop.</param>
/// <param name="Rate">Null in a closed loop.</param>
/// <param name="MessagesPerFrame">Null without WebSocket.</param>
/// <param name="Seconds">How long was measured.</param>
/// <param name="StoppedCut">Pairs with receivers that never read which the server has cut, in the warm-up or since.</param>
/// <param name="Latency">Null where it was not measured; so are <paramref name="LatencyCounts"/>.</param>
/// <param name="LatencyCounts">Pairs of microseconds and how many deliveries took so long, within one percent.</param>
internal sealed record LoadReport(
    string Protocol, string Mode, int Count, int Size, int? Window, bool SharedWindow, double? Rate, int? MessagesPerFrame,
    string Addressing, double Seconds,
    long Delivered, double DeliveredPerSecond, double MegabytesPerSecond,
    double? ServerCpuMicrosecondsPerMessage, double ServerCpuPercent, double GeneratorCpuPercent,
    long ServerResidentBytes, long ServerPeakResidentBytes, long ServerVoluntarySwitches, long ServerInvoluntarySwitches,
    int StoppedCut, LatencyReport? Latency, double[][]? LatencyCounts);

/// <summary>Quantiles in microseconds.</summary>
internal sealed record LatencyReport(double P50, double P90, double P99, double P999, double Max)
{
    public static LatencyReport Of(HistogramBase latencies) => new(
        Quantile(latencies, 50), Quantile(latencies, 90), Quantile(latencies, 99), Quantile(latencies, 99.9), Quantile(latencies, 100));

    public static double[][] CountsOf(HistogramBase latencies) =>
        [.. latencies.RecordedValues().Select(value => new[] { value.ValueIteratedTo / 1e3, value.CountAddedInThisIterationStep })];

    private static double Quantile(HistogramBase latencies, double percent) => latencies.GetValueAtPercentile(percent) / 1e3;
}

/// <summary>What <c>load idle</c> prints.</summary>
internal sealed record IdleReport(string Protocol, int Count, long ResidentBefore, long ResidentWith, long BytesPerConnection);

/// <summary>What <c>load list</c> prints.</summary>
internal sealed record ListReport(
    int Count, int Requests, double MedianMicroseconds, double P99Microseconds, double ServerCpuMicrosecondsPerList);

/// <summary>What <c>load connect</c> prints.</summary>
internal sealed record ConnectReport(
    string Protocol, bool Tls, bool WebSocket, long Connections, double Seconds, double ConnectionsPerSecond, double? ServerCpuMicrosecondsPerConnection,
    double ServerCpuPercent);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(LoadReport))]
[JsonSerializable(typeof(IdleReport))]
[JsonSerializable(typeof(ListReport))]
[JsonSerializable(typeof(ConnectReport))]
internal sealed partial class ReportContext : JsonSerializerContext;
