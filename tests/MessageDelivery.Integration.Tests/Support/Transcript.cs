using System.Net.Sockets;
using System.Text.Json;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>Runs one transcript of <c>spec/vectors</c> against a fresh hub, step by step.</summary>
internal sealed class Transcript : IAsyncDisposable
{
    // A hub may count time in ticks, and so be a little late.
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(100);

    private readonly RunningHub _hub;
    private readonly Dictionary<string, RawConnection> _connections = [];
    private readonly Dictionary<string, byte[]> _captured = [];
    private TimeSpan _passing;

    private Transcript(RunningHub hub) => _hub = hub;

    public static async Task RunAsync(JsonElement transcript)
    {
        await using RunningHub hub = await RunningHub.StartAsync(options =>
            transcript.TryGetProperty("hub", out JsonElement named)
                ? options with { MaxConnections = named.GetProperty("max_connections").GetInt32() }
                : options);
        await using var run = new Transcript(hub);
        int number = 0;
        foreach (JsonElement step in transcript.GetProperty("steps").EnumerateArray())
        {
            number++;
            try
            {
                await run.StepAsync(step);
            }
            catch (Exception e) when (e is Xunit.Sdk.XunitException or SocketException)
            {
                Assert.Fail($"Step {number} {step.GetRawText()[..Math.Min(step.GetRawText().Length, 300)]}: {e.Message}");
            }
        }

        await run.ExpectNothingMoreAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (RawConnection connection in _connections.Values)
        {
            await connection.DisposeAsync();
        }
    }

    private async Task StepAsync(JsonElement step)
    {
        if (step.TryGetProperty("wait_ms", out JsonElement wait))
        {
            _passing = TimeSpan.FromMilliseconds(wait.GetInt32());
            await _hub.SettleAsync();
            _hub.Time.Advance(_passing + Slack);
            await _hub.SettleAsync();
            return;
        }

        if (step.TryGetProperty("stop", out _))
        {
            _ = _hub.StopAsync();
            return;
        }

        string name = step.GetProperty("on").GetString()!;
        if (!_connections.TryGetValue(name, out RawConnection? on))
        {
            _connections.Add(name, on = await _hub.ConnectAsync());
        }

        foreach (JsonProperty action in step.EnumerateObject().Where(p => p.Name is not "on" and not "byte_by_byte" and not "connect"))
        {
            if (action.Name == "send" && step.TryGetProperty("until", out _))
            {
                continue;
            }

            await ActAsync(on, step, action);
        }
    }

    private async Task ActAsync(RawConnection on, JsonElement step, JsonProperty action)
    {
        switch (action.Name)
        {
            case "send":
                await SendAsync(on, VectorBytes.Join(action.Value, _captured), step.TryGetProperty("byte_by_byte", out _));
                break;
            case "expect":
                await AwaitAsync(VectorBytes.ExpectAsync(on, action.Value, _captured));
                break;
            case "until":
                await UntilAsync(on, VectorBytes.Join(step.GetProperty("send")), VectorBytes.Join(action.Value));
                break;
            case "expect_nothing":
                await on.ExpectNothingAsync();
                break;
            case "half_close":
                on.HalfClose();
                break;
            case "expect_end":
                await AwaitAsync(on.ExpectClosedAsync());
                break;
            case "skip_to_end":
                await AwaitAsync(on.ReadToEndAsync());
                break;
            case "close":
                await on.DisposeAsync();
                break;
            case "settle":
                await _hub.SettleAsync();
                break;
            default:
                throw new InvalidDataException($"No step is called {action.Name}.");
        }
    }

    // The hub may close in the middle of what is sent; the next step says what it must have answered.
    private static async Task SendAsync(RawConnection on, byte[] bytes, bool byteByByte)
    {
        try
        {
            await (byteByByte ? on.SendByteByByteAsync(bytes) : on.SendAsync(bytes));
        }
        catch (SocketException)
        {
        }
    }

    // A hub that was slow to read has begun to wait late: its clock is moved on until it answers.
    private async Task AwaitAsync(Task expectation)
    {
        if (_passing == TimeSpan.Zero)
        {
            await expectation;
        }
        else if (await Task.WhenAny(expectation, Task.Delay(300)) == expectation)
        {
            await expectation;
        }
        else
        {
            await _hub.AdvanceUntilAsync(expectation, _passing);
        }
    }

    private async Task UntilAsync(RawConnection on, byte[] question, byte[] answer)
    {
        bool isFrame = answer[0] >= 0x80;
        for (int i = 0; ; i++)
        {
            await on.SendAsync(question);
            byte[] got = isFrame
                ? await FrameBytesAsync(on)
                : Frames.Utf8(await on.LineAsync() + "\n");
            if (got.AsSpan().SequenceEqual(answer))
            {
                return;
            }

            Assert.True(i < 100, $"Expected '{RawConnection.Show(answer)}' in the end, got '{RawConnection.Show(got)}'");
            _hub.Time.Advance(_passing);
            await Task.Delay(i < 20 ? 10 : 100);
        }
    }

    private static async Task<byte[]> FrameBytesAsync(RawConnection on)
    {
        Frame frame = await on.FrameAsync();
        return Frames.Build(frame.Type, frame.Flags, frame.Argument, frame.Payload);
    }

    // Every byte that the hub sends is part of the transcript, so in the end there is none left.
    private async Task ExpectNothingMoreAsync()
    {
        foreach ((string name, RawConnection connection) in _connections)
        {
            byte[] rest = await connection.TakeReceivedAsync();
            Assert.True(rest.Length == 0, $"At the end {name} got '{RawConnection.Show(rest)}', which it should not");
        }
    }
}
