using MessageDelivery.Cli.Settings;
using MessageDelivery.Hub;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Cli.Operations;

/// <summary>
/// The audit as lines in a file, written on a thread of its own: the hub's threads put events into a bounded queue and never wait.
/// What did not fit, or could not be written, is counted, and a line of its own says how many.
/// </summary>
internal sealed class AuditLog : IHubAudit, IReloadable, IDisposable
{
    /// <summary>The setting of a hub that writes to standard output.</summary>
    public const string StandardOutput = "-";

    private const int MaxWaiting = 8_192;

    /// <summary>Strangers who are refused leave this part of the queue to those who are let in.</summary>
    private const int MaxWaitingRefusals = MaxWaiting / 2;

    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(1);

    private readonly BackgroundQueue<Entry> _waiting;
    private readonly AuditLines _lines = new();
    private readonly TimeProvider _time;
    private string? _path;
    private volatile Stream? _output;
    private long _unwritten;
    private bool _isInLine;
    private DateTimeOffset _quietUntil;

    /// <param name="output">Where it writes until another file is used; null is nowhere.</param>
    internal AuditLog(string? path, Stream? output, TimeProvider time)
    {
        (_path, _output, _time) = (path, output, time);
        _waiting = new("audit", MaxWaiting, Write);
    }

    /// <summary>Where it says that events are lost; null is nowhere.</summary>
    public ILogger? Logger { get; set; }

    public bool NeverWaits => true;

    public IReadOnlyCollection<string> Settings { get; } = ["audit-log"];

    /// <summary>Begins to write.</summary>
    /// <param name="path">A file, <see cref="StandardOutput"/>, or null for nothing.</param>
    /// <param name="time">The clock of the lines.</param>
    /// <exception cref="CommandException">The file cannot be written.</exception>
    public static AuditLog Start(string? path, TimeProvider time) => new(path, Open(path), time);

    /// <summary>What is wrong with the file, without making it.</summary>
    public static IEnumerable<string> Check(ServeSettings settings)
    {
        if (settings.AuditLog is not { } path || path == StandardOutput)
        {
            yield break;
        }

        if (AppendedFile.Problem(path) is { } problem)
        {
            yield return $"the audit log {path} cannot be written: {problem}";
        }
    }

    public void Record(in AuditEvent auditEvent)
    {
        if (_output is not null)
        {
            _waiting.Add(new(_time.GetUtcNow(), auditEvent), auditEvent.Kind == AuditKind.Refused ? MaxWaitingRefusals : int.MaxValue);
        }
    }

    /// <summary>Opens the file again, as after its rotation; where it cannot be, it goes on with the old one and says so.</summary>
    public void Reopen()
    {
        try
        {
            Use(_path, Open(_path));
        }
        catch (CommandException exception)
        {
            Logger?.AuditFailed(exception.Message);
        }
    }

    public Change Prepare(ServeSettings settings)
    {
        var output = Open(settings.AuditLog);
        return new(() => Use(settings.AuditLog, output), () => output?.Dispose());
    }

    /// <summary>Writes what is waiting, for at most two seconds.</summary>
    public void Dispose()
    {
        if (_waiting.End(EndPatience))
        {
            _output?.Dispose();
            _lines.Dispose();
        }
    }

    private static Stream? Open(string? path)
    {
        if (path is null or StandardOutput)
        {
            return path is null ? null : Console.OpenStandardOutput();
        }

        try
        {
            return AppendedFile.Open(path);
        }
        catch (IOException exception)
        {
            throw new CommandException(ExitCode.InputOutput, $"the audit log {path} cannot be written: {exception.Message}");
        }
    }

    private void Use(string? path, Stream? output)
    {
        Stream? old;
        lock (_lines)
        {
            (_path, old, _output) = (path, _output, output);
            _isInLine = false;
        }

        old?.Dispose();
    }

    private long Write(ReadOnlySpan<Entry> entries, long dropped)
    {
        lock (_lines)
        {
            WriteLines(entries, dropped);
        }

        if (_unwritten > 0 || dropped > 0)
        {
            Tell(dropped);
        }

        return 0;
    }

    private void WriteLines(ReadOnlySpan<Entry> entries, long dropped)
    {
        if (_output is not { } output)
        {
            return;
        }

        _lines.Begin(_isInLine);
        if (dropped + _unwritten > 0)
        {
            _lines.AddDropped(_time.GetUtcNow(), dropped, _unwritten);
        }

        foreach (ref readonly var entry in entries)
        {
            _lines.Add(entry.Time, entry.Event);
        }

        try
        {
            _isInLine = true;
            output.Write(_lines.Written);
            output.Flush();
            (_isInLine, _unwritten) = (false, 0);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            _unwritten += entries.Length + dropped;
            if (_time.GetUtcNow() >= _quietUntil)
            {
                Logger?.AuditFailed($"the audit log {_path} cannot be written: {exception.Message}");
            }
        }
    }

    private void Tell(long dropped)
    {
        if (_time.GetUtcNow() is var now && now >= _quietUntil)
        {
            _quietUntil = now + QuietTime;
            Logger?.AuditLost(dropped + _unwritten);
        }
    }

    private readonly record struct Entry(DateTimeOffset Time, AuditEvent Event);
}
