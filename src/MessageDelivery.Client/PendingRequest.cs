using System.Buffers.Binary;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// A request without an answer. Requests are answered in the order in which they were sent; receipts are matched by correlation. A cancelled
/// request keeps its place, and its answer is dropped.
/// </summary>
internal abstract class PendingRequest(FrameType answer)
{
    /// <summary>The type of the frame that answers it.</summary>
    public FrameType Answer { get; } = answer;

    /// <summary>
    /// The number of the last relay written before this request: its answer shows that the hub has processed all up to there. For a relay with a
    /// receipt, its own number, the correlation.
    /// </summary>
    public ulong Relay { get; set; }

    /// <summary>Takes the answer. False while more frames of it follow.</summary>
    /// <exception cref="InvalidDataException">The frame is not an answer to this request.</exception>
    public abstract bool Complete(in Frame frame);

    public abstract void Fail(Exception error);

    /// <summary>It is replayed: the part of its answer that has come is void.</summary>
    public virtual void Restart()
    {
    }
}

/// <summary>A heartbeat, or the fence in front of a request.</summary>
internal sealed class HeartbeatRequest() : PendingRequest(FrameType.HeartbeatReply)
{
    /// <summary>Whether it was sent because callers wait for room.</summary>
    public bool IsProbe { get; init; }

    public override bool Complete(in Frame frame) => true;

    public override void Fail(Exception error)
    {
    }
}

/// <summary>A request that a caller waits for.</summary>
internal abstract class PendingRequest<T>(FrameType answer) : PendingRequest(answer)
{
    private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether the caller has given up.</summary>
    protected bool IsAbandoned => _result.Task.IsCompleted;

    public override void Fail(Exception error) => _result.TrySetException(error);

    public async ValueTask<T> WaitAsync(CancellationToken cancellationToken)
    {
        using var _ = cancellationToken.UnsafeRegister(
            static (request, token) => ((PendingRequest<T>)request!)._result.TrySetCanceled(token), this);
        return await _result.Task.ConfigureAwait(false);
    }

    protected bool TrySetResult(T result) => _result.TrySetResult(result);
}

internal sealed class EchoRequest() : PendingRequest<MessageBody>(FrameType.EchoReply)
{
    public override bool Complete(in Frame frame)
    {
        if (!IsAbandoned)
        {
            var body = new MessageBody(frame.Block, frame.PayloadOffset, frame.PayloadBytes);
            if (!TrySetResult(body))
            {
                body.Dispose();
            }
        }

        return true;
    }
}

internal sealed class IdentityRequest() : PendingRequest<ulong>(FrameType.IdentityReply)
{
    public override bool Complete(in Frame frame)
    {
        if (frame.PayloadBytes != 8)
        {
            throw new InvalidDataException($"an IDENTITY of {frame.PayloadBytes} bytes; it has 8");
        }

        TrySetResult(BinaryPrimitives.ReadUInt64LittleEndian(frame.Payload));
        return true;
    }
}

/// <param name="presence">Gets the list, too, if it begins a subscription.</param>
internal sealed class ListRequest(PresenceFeed presence) : PendingRequest<IReadOnlyList<ulong>>(FrameType.ListReply)
{
    // 128 MiB of ids: more than a hub has users. Bounds a list without an end.
    private const int MaxIds = 1 << 24;

    private List<ulong> _ids = [];
    private int _count;

    /// <summary>Whether it was written with WATCH.</summary>
    public bool Watches { get; set; }

    /// <summary>Whether it is the client's own, and no caller waits for it.</summary>
    public bool IsForFeed { get; init; }

    public override void Restart() => (_ids, _count) = ([], 0);

    public override void Fail(Exception error)
    {
        if (error is HubRequestException && Watches)
        {
            presence.Fail(error);
        }

        if (!IsForFeed)
        {
            base.Fail(error);
        }
    }

    public override bool Complete(in Frame frame)
    {
        _count += frame.PayloadBytes / 8;
        if (frame.PayloadBytes % 8 != 0 || _count > MaxIds)
        {
            throw new InvalidDataException($"a LIST of {frame.PayloadBytes} bytes after {_count} ids; it has 8 for each, and at most {MaxIds} ids");
        }

        if (Watches || !IsAbandoned)
        {
            for (ReadOnlySpan<byte> rest = frame.Payload; !rest.IsEmpty; rest = rest[8..])
            {
                _ids.Add(BinaryPrimitives.ReadUInt64LittleEndian(rest));
            }
        }

        if (((ListReplyFlags)frame.Header.Flags).HasFlag(ListReplyFlags.More))
        {
            return false;
        }

        if (Watches)
        {
            presence.Replace(_ids);
        }

        TrySetResult(_ids);
        return true;
    }
}

/// <param name="entries">The receivers as listed; outcomes are filled in.</param>
internal sealed class ReceiptRequest(ReceiptEntry[] entries) : PendingRequest<Receipt>(FrameType.Receipt)
{
    public override bool Complete(in Frame frame)
    {
        ReadOnlySpan<byte> payload = frame.Payload;
        if (payload.Length != 8 + entries.Length || frame.Header.Argument != entries.Length
            || BinaryPrimitives.ReadUInt64LittleEndian(payload) != Relay)
        {
            throw new InvalidDataException($"a RECEIPT that is not that of relay {Relay} to {entries.Length} receivers");
        }

        for (int i = 0; i < entries.Length; i++)
        {
            entries[i] = entries[i] with { Outcome = (Outcome)payload[8 + i] };
        }

        TrySetResult(new(entries));
        return true;
    }
}
