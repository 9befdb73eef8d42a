using System.Net.Sockets;
using System.Net;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>
/// A client that never reads, and comes back whenever it is cut: a resumable one to its session, of which it has acknowledged
/// nothing. One of a crowd: a socket and a timer.
/// </summary>
internal sealed class DeafClient(IPEndPoint hub, bool isResumable) : IDisposable
{
    /// <summary>What the kernel may hold for it: the hub's memory is to be filled, not the kernel's.</summary>
    private const int ReceiveBufferBytes = 64 << 10;

    private const int SmallBufferBytes = 256;

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private WireConnection? _wire;
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
                    while (TcpState.IsEstablished(_wire!.Socket))
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

    public void Dispose() => _wire?.Dispose();

    private async Task<bool> TryConnectAsync(CancellationToken stop)
    {
        _wire?.Dispose();
        string refused;
        try
        {
            _wire = await WireConnection.ConnectAsync(hub, socket => socket.ReceiveBufferSize = ReceiveBufferBytes, SmallBufferBytes, stop);
            _wire.ReadsAhead = false;
            await _wire.SendAsync(
                FrameBytes.Hello(!isResumable ? HelloFlags.None : _key.Length == 0 ? HelloFlags.Resumable : HelloFlags.Resumable | HelloFlags.Resume, _key), stop);
            var answer = await _wire.ReceiveFrameAsync(stop);
            if (answer.Type == FrameType.Welcome && WelcomePayload.TryRead(answer.Payload.Span, out var welcome))
            {
                Welcome(answer.Header, welcome, answer.Payload.Span);
                return true;
            }

            refused = answer.Code.Name();
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
}
