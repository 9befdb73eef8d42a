using System.Diagnostics;
using System.Net.Sockets;
using MessageDelivery.Torture.Faults;

namespace MessageDelivery.Torture.Proxy;

/// <summary>One connection through the proxy: two directions, and a plan of what happens to them.</summary>
/// <param name="resetsHub">
/// The hub's side never ends with FIN: a text user's unfinished line would be one, and half a relay be carried out, as the protocol says.
/// </param>
internal sealed class ProxiedConnection(
    Socket client, Socket hub, FaultPlan plan, FaultCounts faults, Sabotage? sabotage, bool resetsHub)
{
    /// <summary>For how long a reset waits for a place within a frame.</summary>
    private static readonly TimeSpan MaxWaitForFrame = TimeSpan.FromSeconds(1);

    private readonly PassingBytes _toHub = new(client, hub, new(plan.Random.Next()), sabotage?.ToHub());
    private readonly PassingBytes _toClient = new(hub, client, new(plan.Random.Next()), sabotage?.ToClient());

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pumps = Task.WhenAll(_toHub.RunAsync(ended.Token), _toClient.RunAsync(ended.Token));
        var script = PlayAsync(ended.Token);
        if (await Task.WhenAny(pumps, script) == script && await script)
        {
            await ended.CancelAsync();
        }

        await pumps;
        await ended.CancelAsync();
        await script;
    }

    /// <summary>Plays the plan; true if it has ended the connection.</summary>
    private async Task<bool> PlayAsync(CancellationToken cancellationToken)
    {
        long begin = Stopwatch.GetTimestamp();
        try
        {
            foreach (var fault in plan.Faults)
            {
                var pause = fault.At - Stopwatch.GetElapsedTime(begin);
                if (pause > TimeSpan.Zero)
                {
                    await Task.Delay(pause, cancellationToken);
                }

                if (!faults.AreOn)
                {
                    break;
                }

                if (await PlayAsync(fault.Kind, cancellationToken))
                {
                    return true;
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The connection has ended by itself.
            return true;
        }

        return false;
    }

    private async Task<bool> PlayAsync(FaultKind kind, CancellationToken cancellationToken)
    {
        var random = plan.Random;
        switch (kind)
        {
            case FaultKind.Cut:
                if (resetsHub)
                {
                    // The pump sees the end that follows, and would pass it on before the reset.
                    _toHub.KeepTargetOpen();
                }

                client.Shutdown(SocketShutdown.Both);
                client.Close();
                CloseHub();
                break;
            case FaultKind.Reset:
                await HaltWithinFrameAsync(cancellationToken);
                client.LingerState = hub.LingerState = new(true, 0);
                client.Close();
                hub.Close();
                break;
            case FaultKind.HalfOpen:
                faults.Add(kind);
                await HalfOpenAsync(cancellationToken);
                return true;
            case FaultKind.Stall:
                var until = FaultTable.StallLength.Draw(random);
                _toHub.Stall(until);
                _toClient.Stall(until);
                break;
            case FaultKind.Trickle:
                Either().Trickle(random.Next(1, FaultTable.MaxTrickledBytes));
                break;
            case FaultKind.Delay:
                Either().Delay(FaultTable.DelayLatency.Draw(random), FaultTable.DelayLength.Draw(random));
                break;
            default:
                Either().Split(FaultTable.SplitLength.Draw(random));
                break;
        }

        faults.Add(kind);
        return kind is FaultKind.Cut or FaultKind.Reset;

        PassingBytes Either() => random.Next(2) == 0 ? _toHub : _toClient;
    }

    private async Task HaltWithinFrameAsync(CancellationToken cancellationToken)
    {
        var direction = plan.Random.Next(2) == 0 ? _toHub : _toClient;
        direction.HaltWithinFrame();
        await Task.WhenAny(direction.Halted, Task.Delay(MaxWaitForFrame, cancellationToken));
    }

    /// <summary>
    /// The client's side ends. What is on its way from it may still reach the hub; what the hub sends is read and dropped, or not
    /// even read, until the hub's side is closed, too.
    /// </summary>
    private async Task HalfOpenAsync(CancellationToken cancellationToken)
    {
        var random = plan.Random;
        bool isReset = random.Next(2) == 0;
        bool isRead = random.Next(2) == 0;
        _toHub.Stall(TimeSpan.FromSeconds(random.NextDouble()));
        if (isRead)
        {
            _toClient.Discard();
        }
        else
        {
            _toClient.Stall(TimeSpan.FromDays(1));
        }

        if (isReset)
        {
            client.LingerState = new(true, 0);
        }

        _toHub.KeepTargetOpen();
        client.Close();
        await Task.Delay(FaultTable.HalfOpenLength.Draw(random), cancellationToken);
        CloseHub();
    }

    private void CloseHub()
    {
        if (resetsHub)
        {
            hub.LingerState = new(true, 0);
        }
        else
        {
            hub.Shutdown(SocketShutdown.Both);
        }

        hub.Close();
    }
}
