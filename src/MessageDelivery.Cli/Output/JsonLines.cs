using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using MessageDelivery.Client;
using MessageDelivery.Protocol;

namespace MessageDelivery.Cli.Output;

/// <summary>Deliveries, receipts and users as one JSON object per line.</summary>
internal static class JsonLines
{
    // Only the basic planes' printable characters stay as they are: a terminal cannot be steered by any of them.
    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) };

    /// <summary><c>{"sender":7,"body":"text"}</c>, or <c>"base64"</c> in place of <c>"body"</c> where it is not UTF-8.</summary>
    /// <param name="sender">Null leaves that out.</param>
    public static void WriteBody(Stream output, ReadOnlySpan<byte> body, ulong? sender = null)
    {
        var line = new ArrayBufferWriter<byte>(body.Length + 64);
        using (var json = new Utf8JsonWriter(line, Options))
        {
            json.WriteStartObject();
            if (sender is { } id)
            {
                json.WriteNumber("sender", id);
            }

            if (Utf8.IsValid(body))
            {
                json.WriteString("body", body);
            }
            else
            {
                json.WriteBase64String("base64", body);
            }

            json.WriteEndObject();
        }

        WriteLine(output, line);
    }

    /// <summary><c>{"receipt":[{"receiver":2,"outcome":"accepted"}]}</c></summary>
    public static void WriteReceipt(Stream output, Receipt receipt)
    {
        var line = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(line, Options))
        {
            json.WriteStartObject();
            json.WriteStartArray("receipt");
            foreach (var (receiver, outcome) in receipt.Entries)
            {
                json.WriteStartObject();
                json.WriteNumber("receiver", receiver);
                json.WriteString("outcome", outcome.Name());
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        WriteLine(output, line);
    }

    /// <summary><c>{"users":[2,3]}</c></summary>
    public static void WriteUsers(Stream output, IEnumerable<ulong> users) => WriteIds(output, ("users", users));

    /// <summary><c>{"joined":[7],"left":[3]}</c></summary>
    public static void WritePresence(Stream output, IEnumerable<ulong> joined, IEnumerable<ulong> left) =>
        WriteIds(output, ("joined", joined), ("left", left));

    private static void WriteIds(Stream output, params ReadOnlySpan<(string Name, IEnumerable<ulong> Ids)> arrays)
    {
        var line = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(line, Options))
        {
            json.WriteStartObject();
            foreach (var (name, ids) in arrays)
            {
                json.WriteStartArray(name);
                foreach (ulong id in ids)
                {
                    json.WriteNumberValue(id);
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        WriteLine(output, line);
    }

    private static void WriteLine(Stream output, ArrayBufferWriter<byte> line)
    {
        line.Write("\n"u8);
        output.Write(line.WrittenSpan);
    }
}
