namespace MessageDelivery.Fuzz.Targets;

/// <summary>Tries an input. Throws if something that must hold does not.</summary>
internal delegate void FuzzTarget(ReadOnlySpan<byte> input);

/// <summary>The targets by name.</summary>
internal static class FuzzTargets
{
    public static IReadOnlyDictionary<string, FuzzTarget> All { get; } = new SortedDictionary<string, FuzzTarget>(StringComparer.Ordinal)
    {
        ["client"] = ClientTarget.Run,
        ["differential"] = DifferentialTarget.Run,
        ["frames"] = FrameTarget.Run,
        ["hello"] = HelloTarget.Run,
        ["text"] = TextTarget.Run,
        ["websocket"] = WebSocketTarget.Run,
    };
}
