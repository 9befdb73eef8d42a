using System.Diagnostics;
using System.Net.Sockets;
using System.Net;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>Connects as a new user several times a second, and goes: whether the hub lets new users in.</summary>
internal sealed class Knocker(IPEndPoint hub)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);

    private long _refusedSince;
    private TimeSpan _longestRefusal;

    /// <summary>How often it was let in.</summary>
    public long LetIn { get; private set; }

    /// <summary>How often it was not, by the hub's word or the kernel's.</summary>
    public Dictionary<string, long> Refused { get; } = [];

    /// <summary>The longest time in which nobody was let in, one that has not ended included.</summary>
    public TimeSpan LongestRefusal
    {
        get
        {
            var now = _refusedSince == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_refusedSince);
            return now > _longestRefusal ? now : _longestRefusal;
        }
    }

    /// <summary>How often a time of refusals began and ended.</summary>
    public long Refusals { get; private set; }

    public async Task RunAsync(Func<bool> isOver)
    {
        while (!isOver())
        {
            await KnockAsync();
            await Task.Delay(Pause);
        }
    }

    /// <summary>Whether it is let in now.</summary>
    public async Task<bool> KnockAsync()
    {
        long begin = Stopwatch.GetTimestamp();
        string answer = await AnswerAsync();
        if (answer.Length == 0)
        {
            LetIn++;
            if (_refusedSince != 0)
            {
                Refusals++;
                _longestRefusal = LongestRefusal;
                _refusedSince = 0;
            }

            return true;
        }

        Refused[answer] = Refused.GetValueOrDefault(answer) + 1;
        _refusedSince = _refusedSince == 0 ? begin : _refusedSince;
        return false;
    }

    /// <summary>What is said instead of WELCOME; nothing if it is that.</summary>
    private async Task<string> AnswerAsync()
    {
        using var tooLong = new CancellationTokenSource(MaxWait);
        try
        {
            using var wire = await WireConnection.ConnectAsync(hub, cancellationToken: tooLong.Token);
            await wire.SendAsync(FrameBytes.Hello(), tooLong.Token);
            var answer = await wire.ReceiveFrameAsync(tooLong.Token);
            return answer.Type == FrameType.Welcome ? "" : answer.Code.Name();
        }
        catch (EndOfStreamException)
        {
            return "closed";
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode.ToString();
        }
        catch (OperationCanceledException)
        {
            return $"nothing within {MaxWait.TotalSeconds:0} s";
        }
    }
}
