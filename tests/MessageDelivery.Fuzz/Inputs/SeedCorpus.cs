using System.Text;
using System.Text.Json;

namespace MessageDelivery.Fuzz.Inputs;

/// <summary>First inputs for each target, made of the golden vectors.</summary>
internal static class SeedCorpus
{
    // What is larger costs a fuzzer more than it finds; limits that large are the integration tests' business.
    private const int MaxBytes = 24_000;

    private static readonly byte[] CutPlans = [0, 3, 255];

    /// <summary>Inputs of a target. Each stream comes with a few ways to be cut.</summary>
    public static List<byte[]> For(string target) => [.. Streams(target)
        .Where(seed => seed.Stream.Length <= MaxBytes)
        .SelectMany((seed, index) => seed.Switches.Select(switches => (byte[])[CutPlans[index % CutPlans.Length], switches, .. seed.Stream]))
        .DistinctBy(Convert.ToHexString)];

    private static IEnumerable<(byte[] Stream, byte[] Switches)> Streams(string target) => target switch
    {
        "frames" => [.. Files("client-frames", "client-frames-invalid").Where(IsNoHello).Select(stream => (stream, new byte[] { 0 })),
            .. Conversations("binary-transcripts", "mixed-transcripts").Where(stream => !IsNoHello(stream)).Select(stream => (stream[HelloBytes(stream)..], new byte[] { 0 })),
            .. Runs.Select(stream => (stream, new byte[] { 0 }))],
        "hello" => [.. Files("client-frames", "client-frames-invalid").Select(stream => (stream, new byte[] { 0, 1 })),
            .. Conversations("binary-transcripts", "mixed-transcripts", "text-transcripts").Select(stream => (stream, new byte[] { 0, 3, 4 })),
            .. Sends("websocket-upgrades").Select(stream => (stream, new byte[] { 0 })),
            .. HelloTexts.Select(text => (Encoding.Latin1.GetBytes(text), new byte[] { 0, 1, 2, 4 }))],
        "text" => Conversations("text-transcripts", "mixed-transcripts").Where(IsNoHello).Select(stream => (stream, new byte[] { 0, 1, 6 })),
        "client" => [.. Files("hub-frames", "hub-frames-invalid").Select(stream => (stream, new byte[] { 0, 1, 0x56, 0xa8 })),
            .. Answers.Select(hex => (Hex(hex), new byte[] { 0, 2, 0x0c, 0xe4, 0xa8 })),
            .. Resumptions.Select(hex => (Hex(hex), new byte[] { 0x19, 0x99 })),
            (ManyDeliveries, [0x19, 0x1b])],
        "websocket" => Sends("websocket-frames", "websocket-frames-invalid").Select(stream => (stream, new byte[] { 0, 1, 4, 7 })),
        "differential" => Commands.Select(hex => (Hex(hex), new byte[] { 0, 1, 7 })),
        _ => throw new ArgumentException($"There is no target {target}.", nameof(target)),
    };

    /// <summary>Relays that a hub gathers, and frames that it takes in parts.</summary>
    private static readonly byte[][] Runs =
    [
        Repeated(3, Relay(0, 20, 1)), Repeated(3, Relay(0, 20, 1, 2)), Repeated(3, Relay(0, 5_000, 1, 2)), Repeated(2, [.. Relay(0, 20, 3, 1, 3), .. Relay(0, 0, 2)]),
        [.. Relay(0, 5_000, 1, 2, 3), .. Relay(0, 30, 1, 2, 3), .. Relay(0, 30, 2), .. Relay(0, 30, 2)], [.. Relay(0, 30, 1, 2), .. Relay(0, 30, 1, 3), .. Relay(0, 30, 3), .. Relay(0, 30, 1)],
        Relay(1, 18_000, 1, 2), Relay(2, 18_000, 1, 9), Relay(9, 18_000, 1), [2, 0, 0, 0, 0x50, 0x46, 0, 0, .. new byte[18_000]],
    ];

    private static readonly string[] HelloTexts =
        ["GET / HTTP/1.1\r\n\r\n", "HEAD / HTTP/1.1\r\n\r\n", "CONNECT x", "OPTIONS * HTTP/1.1\r\n", "DELET", "PO\nlist\n", "\u0016\u0003\u0001\u0002\0"];

    /// <summary>Answers to the calls that the client target makes: with switches 0 four echoes; with 0c an identity first; with e4 a list, a receipt, an identity, a list.</summary>
    private static readonly string[] Answers =
    [
        "82 00 00 00 03 00 00 00 01 02 03 82 00 00 00 00 00 00 00 8b 00 04 00 02 00 00 00 6e 6f 82 00 00 00 03 00 00 00 00 00 00 88 00 01 00 03 00 00 00 62 79 65",
        "84 01 00 00 08 00 00 00 01 00 00 00 00 00 00 00 84 00 00 00 08 00 00 00 02 00 00 00 00 00 00 00 85 00 00 00 0a 00 00 00 07 00 00 00 00 00 00 00 68 69"
        + "89 00 02 00 0a 00 00 00 02 00 00 00 00 00 00 00 00 02 8b 00 05 00 02 00 00 00 6e 6f 87 00 00 00 00 00 00 00"
        + "83 00 00 00 08 00 00 00 03 00 00 00 00 00 00 00 84 00 00 00 00 00 00 00 88 00 00 00 00 00 00 00",
        "87 00 00 00 00 00 00 00 83 00 00 00 08 00 00 00 03 00 00 00 00 00 00 00 82 00 00 00 00 00 00 00 83 00 00 00 07 00 00 00 03 00 00 00 00 00 00",
        "84 00 00 00 00 00 00 00 8b 01 05 00 0a 00 00 00 02 00 00 00 00 00 00 00 6e 6f 87 00 00 00 00 00 00 00 8b 00 04 00 00 00 00 00",
    ];

    private const string Terms =
        "03 00 00 00 00 00 00 00 00 00 10 00 ff 00 1e 00 a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af";

    private const string Window = "78 00 00 00 00 00 80 00";

    /// <summary>From the WELCOME on, for switches 19: a receipt, a watched list, an echo and another receipt are due. The session is lost and resumed, or not.</summary>
    private static readonly string[] Resumptions =
    [
        "81 01 01 00 30 00 00 00" + Terms + "00 00 00 00 00 00 00 00" + Window
        + "84 00 00 00 08 00 00 00 01 00 00 00 00 00 00 00 8a 00 01 00 08 00 00 00 02 00 00 00 00 00 00 00 8a 00 02 00 08 00 00 00 01 00 00 00 00 00 00 00"
        + "82 00 00 00 03 00 00 00 00 00 00 89 00 02 00 0a 00 00 00 01 00 00 00 00 00 00 00 05 00 85 00 00 00 0a 00 00 00 07 00 00 00 00 00 00 00 68 69"
        + "86 00 00 00 08 00 00 00 01 00 00 00 00 00 00 00 88 00 0a 00 00 00 00 00"
        + "81 03 01 00 30 00 00 00" + Terms + "01 00 00 00 00 00 00 00" + Window + "8b 01 04 00 0a 00 00 00 02 00 00 00 00 00 00 00 6e 6f 86 00 00 00 08 00 00 00 02 00 00 00 00 00 00 00"
        + "88 00 01 00 00 00 00 00 81 01 01 00 30 00 00 00" + Terms + "00 00 00 00 00 00 00 00" + Window + "88 00 00 00 00 00 00 00",
        "81 01 01 00 30 00 00 00" + Terms + "00 00 00 00 00 00 00 00" + Window + "8a 00 03 00 08 00 00 00 01 00 00 00 00 00 00 00",
        "81 01 01 00 30 00 00 00" + Terms + "00 00 00 00 00 00 00 00" + Window + "86 00 00 00 08 00 00 00 09 00 00 00 00 00 00 00"
        + "81 03 01 00 30 00 00 00" + Terms + "00 00 00 00 00 00 00 00" + Window + "89 00 02 00 0a 00 00 00 09 00 00 00 00 00 00 00 05 00",
    ];

    /// <summary>More deliveries to a session that can be resumed than it may leave unacknowledged.</summary>
    private static readonly byte[] ManyDeliveries =
    [
        .. Hex("81 01 01 00 30 00 00 00" + Terms + "00 00 00 00 00 00 00 00" + Window), .. Repeated(65, Hex("85 00 00 00 09 00 00 00 07 00 00 00 00 00 00 00 68")),
        .. Hex("86 00 00 00 08 00 00 00 01 00 00 00 00 00 00 00"),
    ];

    /// <summary>Commands as the differential target reads them.</summary>
    private static readonly string[] Commands =
    [
        "00 01 00", "02 03 61 20 62 02 00 02 04 1b 5b 33 6d",
        "04 00 00 02 68 69 05 00 01 02 68 69", "04 02 00 01 02 05 2e 0a 2e 2e 0d 03 04 01 02 03 00",
        "03 04 03 02 03 04 05 03 61 0d 0a 0b 05 01 06 07 04 2e 2e 2e 0a", "fe 02 00 01 02 08 5b 53 65 72 76 65 72 5d",
        "06 01 01 01 03 c2 9b 0a 7e 00 02 09 5b 53 65 72 76 65 72 5d 20", "03 05 07 00 01 02 03 04 05 06 07 02 0d 61 01",
    ];

    private static byte[] Relay(byte flags, int bodyBytes, params byte[] receivers) =>
    [
        5, flags, (byte)receivers.Length, 0, .. BitConverter.GetBytes(((flags & 1) * 8) + (8 * receivers.Length) + bodyBytes), .. new byte[(flags & 1) * 8],
        .. receivers.SelectMany(id => BitConverter.GetBytes((ulong)id)), .. new byte[bodyBytes],
    ];

    private static byte[] Repeated(int times, byte[] bytes) => [.. Enumerable.Repeat(bytes, times).SelectMany(part => part)];

    private static byte[] Hex(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    private static bool IsNoHello(byte[] stream) => stream[0] != 1;

    private static int HelloBytes(byte[] stream) => Math.Min(stream.Length, 8 + (stream.Length < 8 ? 0 : (int)Math.Min(10_000, BitConverter.ToUInt32(stream, 4))));

    private static IEnumerable<byte[]> Files(params string[] files) =>
        files.SelectMany(Load).Select(vector => Bytes(vector.GetProperty("bytes")));

    private static IEnumerable<byte[]> Sends(params string[] files) =>
        files.SelectMany(Load).Select(vector => Bytes(vector.GetProperty("send")));

    /// <summary>What each connection of a transcript sends, joined.</summary>
    private static IEnumerable<byte[]> Conversations(params string[] files) => files
        .SelectMany(Load)
        .SelectMany(transcript => transcript.GetProperty("steps").EnumerateArray().Where(step => step.TryGetProperty("send", out _))
            .GroupBy(step => step.GetProperty("on").GetString()))
        .Select(steps => steps.SelectMany(step => Bytes(step.GetProperty("send"))).ToArray())
        .Where(stream => stream.Length > 0);

    private static List<JsonElement> Load(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(CorpusFolder.Vectors, file + ".json")));
        return [.. document.RootElement.EnumerateArray().Select(vector => vector.Clone())];
    }

    private static byte[] Bytes(JsonElement parts) => [.. parts.EnumerateArray().SelectMany(Part)];

    private static byte[] Part(JsonElement part) =>
        part.ValueKind == JsonValueKind.String ? Encoding.UTF8.GetBytes(part.GetString()!)
        // What another answer would have to be read for, such as a session key.
        : part.TryGetProperty("captured", out _) ? new byte[16]
        : part.TryGetProperty("hex", out var hex) ? Hex(hex.GetString()!)
        : [.. Enumerable.Repeat(Part(part.GetProperty("repeat")), part.GetProperty("count").GetInt32()).SelectMany(bytes => bytes)];
}
