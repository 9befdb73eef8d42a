using System.Net;
using System.Net.Sockets;
using MessageDelivery.Protocol;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>
/// A client that never reads, and comes back whenever it is cut: a resumable one to its session, of which it has acknowledged
/// nothing. One of a crowd: a socket and a timer.
/// </summary>
internal sealed class DeafClient(IPEndPoint hub, bool isResumable) : IDisposable
{
    /// <summary>What the kernel may hold for it: the hub's memory is to be filled, not the kernel's.</summary>
    private const int ReceiveBufferBytes = 64 << 10;

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly byte[] _answer = new byte[ProtocolLimits.HeaderBytes + ProtocolLimits.MaxTextLength];
    private Socket? _socket;
    private byte[] _key = [];
    private ulong _userId;

    /// <summary>Its last id; 0 before the first.</summary>
    public ulong UserId => Volatile.Read(ref _userId);

    /// <summary>Every id that it had.</summary>
    public List<ulong> Ids { get; } = [];

    /// <summary>Connections that the hub ended.</summary>
    public long Cut { get; private set; }

    /// <summary>Sessions that went on, and that had ended when it came back.</summary>
    public (long WentOn, long Ended) Resumes { get; private set; }

    /// <summary>Connections that got no WELCOME, by what they got.</summary>
    public Dictionary<string, long> Refused { get; } = [];

    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                if (await TryConnectAsync(stop))
                {
                    while (TcpState.IsEstablished(_socket!))
                    {
                        await Task.Delay(Glance, stop);
                    }

                    Cut++;
                }
                else
                {
                    await Task.Delay(Pause, stop);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // That is how it ends.
        }
    }

    public void Dispose() => _socket?.Dispose();

    private async Task<bool> TryConnectAsync(CancellationToken stop)
    {
        _socket?.Dispose();
        _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveBufferSize = ReceiveBufferBytes };
        string refused;
        try
        {
            await _socket.ConnectAsync(hub, stop);
            await _socket.SendAsync(
                BinaryPeer.Hello(!isResumable ? HelloFlags.None : _key.Length == 0 ? HelloFlags.Resumable : HelloFlags.Resumable | HelloFlags.Resume, _key), stop);
            await ReceiveAsync(0, ProtocolLimits.HeaderBytes, stop);
            var header = FrameHeader.Read(_answer);
            await ReceiveAsync(ProtocolLimits.HeaderBytes, (int)Math.Min(header.Length, ProtocolLimits.MaxTextLength), stop);
            var payload = _answer.AsSpan(ProtocolLimits.HeaderBytes, (int)header.Length);
            if (header.Type == FrameType.Welcome && WelcomePayload.TryRead(payload, out var welcome))
            {
                Welcome(header, welcome, payload);
                return true;
            }

            refused = ((ProtocolCode)header.Argument).Name();
        }
        catch (SocketException exception)
        {
            refused = exception.SocketErrorCode.ToString();
        }
        catch (EndOfStreamException)
        {
            refused = "closed";
        }

        Refused[refused] = Refused.GetValueOrDefault(refused) + 1;
        return false;
    }

    private void Welcome(FrameHeader header, WelcomePayload welcome, ReadOnlySpan<byte> payload)
    {
        bool resumed = ((WelcomeFlags)header.Flags).HasFlag(WelcomeFlags.Resumed);
        if (_key.Length > 0)
        {
            Resumes = (Resumes.WentOn + (resumed ? 1 : 0), Resumes.Ended + (resumed ? 0 : 1));
        }

        if (!resumed)
        {
            Ids.Add(welcome.UserId);
        }

        Volatile.Write(ref _userId, welcome.UserId);
        _key = SessionTerms.TryRead(payload, out var terms) ? terms.Key.ToArray() : [];
    }

    private async Task ReceiveAsync(int offset, int count, CancellationToken stop)
    {
        for (int have = 0; have < count;)
        {
            int got = await _socket!.ReceiveAsync(_answer.AsMemory(offset + have, count - have), stop);
            have += got > 0 ? got : throw new EndOfStreamException();
        }
    }
}
