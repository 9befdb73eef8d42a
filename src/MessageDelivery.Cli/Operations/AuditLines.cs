using System.Buffers;
using System.Net;
using System.Text.Json;
using MessageDelivery.Hub;

namespace MessageDelivery.Cli.Operations;

/// <summary>Events as JSON, one object per line. Everything that others have chosen is escaped to ASCII.</summary>
internal sealed class AuditLines : IDisposable
{
    private static readonly Dictionary<AuditKind, string> Names =
        Enum.GetValues<AuditKind>().ToDictionary(kind => kind, kind => kind.ToString().ToLowerInvariant());

    private readonly ArrayBufferWriter<byte> _buffer = new(16 << 10);
    private readonly Utf8JsonWriter _json;

    public AuditLines() => _json = new(_buffer);

    /// <summary>The lines so far.</summary>
    public ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

    /// <summary>Forgets the lines.</summary>
    /// <param name="endsLine">Whether a line was left unfinished before.</param>
    public void Begin(bool endsLine)
    {
        _buffer.ResetWrittenCount();
        if (endsLine)
        {
            _buffer.Write("\n"u8);
        }
    }

    public void Add(DateTimeOffset time, in AuditEvent happened)
    {
        Open(time, Names[happened.Kind]);
        if (happened.UserId != 0)
        {
            _json.WriteNumber("user_id"u8, happened.UserId);
        }

        if (happened.Peer is { } peer)
        {
            _json.WriteString("peer"u8, peer.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(peer.Address.MapToIPv4(), peer.Port).ToString() : peer.ToString());
        }

        AddText("subject"u8, happened.Subject);
        AddText("protocol"u8, happened.Protocol);
        _json.WriteBoolean("tls"u8, happened.IsEncrypted);
        AddText("reason"u8, happened.Reason);
        if (happened.Milliseconds > 0)
        {
            _json.WriteNumber("milliseconds"u8, happened.Milliseconds);
        }

        Close();
    }

    /// <summary>Says how many events are missing here.</summary>
    /// <param name="dropped">For want of room in the queue.</param>
    /// <param name="unwritten">Because the file could not be written.</param>
    public void AddDropped(DateTimeOffset time, long dropped, long unwritten)
    {
        Open(time, "dropped");
        _json.WriteNumber("count"u8, dropped + unwritten);
        _json.WriteString("reason"u8, unwritten > 0 ? "write_failed"u8 : "queue_full"u8);
        Close();
    }

    public void Dispose() => _json.Dispose();

    private void Open(DateTimeOffset time, string name)
    {
        _json.Reset(_buffer);
        _json.WriteStartObject();
        _json.WriteString("time"u8, time.UtcDateTime);
        _json.WriteString("event"u8, name);
    }

    private void AddText(ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            _json.WriteString(name, value);
        }
    }

    private void Close()
    {
        _json.WriteEndObject();
        _json.Flush();
        _buffer.Write("\n"u8);
    }
}
