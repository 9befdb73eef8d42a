using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Protocol.Text;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Cli.Logging;

/// <summary>What a log line is made of.</summary>
internal readonly record struct LogEntry(
    DateTimeOffset Time, LogLevel Level, string Source, EventId Event, string Message, Exception? Exception,
    IReadOnlyList<KeyValuePair<string, object?>> Values);

/// <summary>Makes one line of an entry, without the line end. Whatever it holds, it stays one line.</summary>
internal interface ILineFormat
{
    string Line(in LogEntry entry);
}

/// <summary><c>2026-01-31T12:00:00.000Z information MessageHub[1] Listening on 127.0.0.1:8888</c></summary>
internal sealed class TextLineFormat : ILineFormat
{
    public string Line(in LogEntry entry)
    {
        var line = new StringBuilder(128);
        line.Append($"{entry.Time:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {HubSettings.LogLevels[(int)entry.Level]} {entry.Source}[{entry.Event.Id}] {entry.Message}");
        if (entry.Exception is not null)
        {
            line.Append(": ").Append(entry.Exception);
        }

        // Names and the like are words of others: they steer no terminal, and hide nothing.
        return TextRenderer.Reveal(line.Replace("\r", "").Replace("\n", " | ").ToString());
    }
}

/// <summary>One object: time, level, source, id, event, message, exception, and each value of the message under its own name.</summary>
internal sealed class JsonLineFormat : ILineFormat
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public string Line(in LogEntry entry)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var json = new Utf8JsonWriter(buffer, Options);
        json.WriteStartObject();
        json.WriteString("time", entry.Time.UtcDateTime);
        json.WriteString("level", HubSettings.LogLevels[(int)entry.Level]);
        json.WriteString("source", entry.Source);
        json.WriteNumber("id", entry.Event.Id);
        json.WriteString("event", entry.Event.Name);
        json.WriteString("message", entry.Message);
        if (entry.Exception is not null)
        {
            json.WriteString("exception", entry.Exception.ToString());
        }

        json.WriteStartObject("values");
        foreach (var (name, value) in entry.Values)
        {
            if (name != "{OriginalFormat}")
            {
                WriteValue(json, name, value);
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteValue(Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case null: json.WriteNull(name); break;
            case bool flag: json.WriteBoolean(name, flag); break;
            case int number: json.WriteNumber(name, number); break;
            case long number: json.WriteNumber(name, number); break;
            case ulong number: json.WriteNumber(name, number); break;
            case double number: json.WriteNumber(name, number); break;
            default: json.WriteString(name, Convert.ToString(value, CultureInfo.InvariantCulture)); break;
        }
    }
}
