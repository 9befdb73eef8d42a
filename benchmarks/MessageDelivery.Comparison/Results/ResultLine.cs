using System.Text.Json.Serialization;

namespace MessageDelivery.Comparison.Results;

/// <summary>A line of the file of results: the run's description first, then a sample each.</summary>
internal sealed record ResultLine(RunInfo? Run, Sample? Sample);

/// <summary>What was measured where, how and with what. Times are in seconds.</summary>
internal sealed record RunInfo(
    string Commit, bool HasChanges, DateTimeOffset Date, string Command, int Rounds, double Seconds, double WarmUp, int ServerCore,
    int GeneratorCore, MachineInfo Machine, IReadOnlyList<ServerInfo> Servers);

internal sealed record MachineInfo(string Processor, int Cores, long MemoryBytes, string Kernel, string Runtime);

internal sealed record ServerInfo(string Name, string Title, string Version, string Command, string Configuration);

/// <summary>One measurement of one server in one round, or why there is none.</summary>
internal sealed record Sample(string Row, string Server, string Variant, int Round)
{
    public string? Failure { get; init; }

    public LoadResult? Load { get; init; }

    public IdleResult? Idle { get; init; }

    public ListResult? List { get; init; }

    public StartResult? Start { get; init; }
}

/// <summary>What the generator says of a row.</summary>
internal sealed record LoadResult(
    double Seconds, long Delivered, double DeliveredPerSecond, double MegabytesPerSecond, double? ServerCpuMicrosecondsPerMessage,
    double ServerCpuPercent, double GeneratorCpuPercent, long ServerResidentBytes, long ServerPeakResidentBytes,
    long ServerVoluntarySwitches, long ServerInvoluntarySwitches, double? Rate, int? StoppedCut, Latency? Latency,
    IReadOnlyList<double[]>? LatencyCounts);

/// <summary>Microseconds.</summary>
internal sealed record Latency(double P50, double P90, double P99, double P999, double Max);

internal sealed record IdleResult(int Count, long ResidentBefore, long ResidentWith, double BytesPerConnection);

internal sealed record ListResult(int Count, int Requests, double MedianMicroseconds, double P99Microseconds, double ServerCpuMicrosecondsPerList);

internal sealed record StartResult(double Milliseconds, long ResidentBytes);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ResultLine))]
[JsonSerializable(typeof(LoadResult))]
[JsonSerializable(typeof(IdleResult))]
[JsonSerializable(typeof(ListResult))]
internal sealed partial class ResultJson : JsonSerializerContext;
