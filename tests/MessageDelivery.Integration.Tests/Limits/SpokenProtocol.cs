using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Limits;

/// <summary>
/// What trials of limits need of a protocol, each in its own words. A protocol that is added to <see cref="All"/> is tried with every
/// limit; one that wraps another (TLS) overrides <see cref="Prepare"/> and <see cref="ConnectAsync"/>.
/// </summary>
internal abstract class SpokenProtocol
{
    public static IReadOnlyList<SpokenProtocol> All { get; } = [new SpokenBinary(), new SpokenText()];

    public abstract string Name { get; }

    /// <summary>What a hub needs to be spoken to so.</summary>
    public virtual MessageHubOptions Prepare(MessageHubOptions options) => options;

    /// <summary>A connection on which nothing of this protocol was said.</summary>
    public virtual Task<RawConnection> ConnectAsync(RunningHub hub) => hub.ConnectAsync();

    /// <summary>A user.</summary>
    public abstract Task<RawConnection> JoinAsync(RunningHub hub);

    /// <summary>What a connection says first, whole.</summary>
    public abstract byte[] FirstWords { get; }

    /// <summary>First bytes that do not tell yet what they are the beginning of.</summary>
    public abstract byte[] UnfinishedFirstBytes { get; }

    public abstract byte[] List { get; }

    /// <summary>A request that is answered by an error.</summary>
    public abstract byte[] Wrong { get; }

    public abstract byte[] Echo(string text);

    /// <summary>A relay of so many letters.</summary>
    public abstract byte[] Relay(ulong[] receivers, int bytes);

    /// <summary>Begins a relay of which so many letters come.</summary>
    public abstract Task BeginRelayAsync(RunningHub hub, RawConnection peer, ulong receiver, int bytes, int sent);

    public abstract Task ExpectMessageAsync(RawConnection peer, ulong sender, int bytes);

    public abstract Task ExpectListAsync(RawConnection peer, params ulong[] ids);

    public abstract Task ExpectEchoAsync(RawConnection peer, string text);

    /// <summary>The error of <see cref="Wrong"/>.</summary>
    public abstract Task ExpectWrongAsync(RawConnection peer);

    /// <summary>An error; the connection goes on.</summary>
    public abstract Task ExpectErrorAsync(RawConnection peer, ProtocolCode code);

    /// <summary>The last words, and the end.</summary>
    public abstract Task ExpectEndAsync(RawConnection peer, ProtocolCode code);

    public override string ToString() => Name;

    protected static byte[] Letters(int count)
    {
        byte[] letters = new byte[count];
        Array.Fill(letters, (byte)'x');
        return letters;
    }
}
