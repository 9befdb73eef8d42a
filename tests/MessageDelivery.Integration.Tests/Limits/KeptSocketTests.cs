using System.Net;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Integration.Tests.CommandLine;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Limits;

/// <summary>Who says goodbye and keeps its socket: the hub's descriptors stay within the limits, and nobody honest is refused for it.</summary>
public sealed class KeptSocketTests
{
    /// <summary>What is queued for somebody who has said goodbye is sent for as long as no one else needs the place.</summary>
    [Fact]
    public async Task Who_has_everything_sent_gives_way_before_who_has_not()
    {
        await using var hub = await RunningHub.StartAsync(o => o with { MaxConnections = 3, Heartbeat = TimeSpan.Zero });
        await using var sender = await hub.BinaryAsync();
        await using var slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        byte[][] bodies = [.. Enumerable.Range(0, 4).Select(i => Frames.Pattern(Frames.MaxBodyBytes, i))];
        foreach (byte[] body in bodies)
        {
            await sender.SendAsync(Frames.Relay(slow.UserId, body, 1));
            await sender.ExpectAsync(Frames.Receipt(1, Outcome.Accepted));
        }

        await slow.SendAsync(Frames.Goodbye);
        List<RawConnection> kept = [];
        try
        {
            for (int i = 0; i < 5; i++)
            {
                var connection = await hub.TextAsync();
                kept.Add(connection);
                await connection.SendAsync("quit\n");
                await connection.ExpectClosedAsync();
            }

            await slow.ExpectAsync([.. bodies.Select(body => Frames.Delivery(sender.UserId, body))]);
            await slow.ExpectGoodbyeAsync(ProtocolCode.Normal);
        }
        finally
        {
            await DisposeAsync(kept);
        }
    }

    [Fact]
    public async Task A_user_of_every_place_gets_its_place_back_the_moment_it_has_left()
    {
        await using var hub = await RunningHub.StartAsync(o => o with { MaxConnections = 1 });
        for (int i = 0; i < 50; i++)
        {
            var user = await hub.BinaryAsync();
            await user.SendAsync(Frames.Goodbye);
            await user.ExpectGoodbyeAsync(ProtocolCode.Normal);
            await using var next = await hub.BinaryAsync();
            await user.DisposeAsync();
            await next.SendAsync(Frames.Goodbye);
            await next.ExpectGoodbyeAsync(ProtocolCode.Normal);
        }
    }

    private static async Task DisposeAsync(List<RawConnection> connections)
    {
        foreach (var connection in connections)
        {
            await connection.DisposeAsync();
        }
    }

    /// <summary>The descriptors of a process that has nothing but the hub.</summary>
    [Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
    public sealed class OfTheProgram
    {
        private const int Limit = 20;
        private const int LimitOfAddress = 10;

        // As many as the hub tells that there is no place for them.
        private const int Refusals = 32;

        [Fact]
        public async Task Who_quits_and_keeps_its_socket_takes_no_more_descriptors_than_the_limits_allow()
        {
            await using var hub = await StartAsync();
            int atStart = hub.OpenFiles();
            List<RawConnection> kept = [];
            try
            {
                for (int i = 0; i < 10 * Limit; i++)
                {
                    var connection = await RawConnection.ConnectAsync(hub.Endpoint);
                    kept.Add(connection);
                    await connection.SendAsync("identity\nquit\n");
                    Assert.StartsWith("[Server] Your ID is ", await connection.LineAsync(), StringComparison.Ordinal);
                    await connection.ExpectClosedAsync();
                    Assert.InRange(hub.OpenFiles() - atStart, 0, LimitOfAddress + ConnectionQuota.MaxGivingWay);
                }

                await hub.ExpectOpenFilesAsync(atStart + LimitOfAddress);
            }
            finally
            {
                await DisposeAsync(kept);
            }
        }

        [Fact]
        public async Task Who_is_refused_and_keeps_its_socket_takes_no_more_descriptors_than_there_are_refusals()
        {
            await using var hub = await StartAsync();
            int atStart = hub.OpenFiles();
            List<RawConnection> users = [], kept = [];
            try
            {
                for (int i = 0; i < LimitOfAddress; i++)
                {
                    users.Add(await RawConnection.ConnectAsync(hub.Endpoint));
                    await IdentifyAsync(users[^1]);
                }

                for (int i = 0; i < 10 * Refusals; i++)
                {
                    var connection = await RawConnection.ConnectAsync(hub.Endpoint);
                    kept.Add(connection);
                    await connection.SendAsync("identity\n");
                    await connection.ErrorLineAsync("too_many_connections");
                    Assert.InRange(hub.OpenFiles() - atStart, 0, LimitOfAddress + Refusals + ConnectionQuota.MaxGivingWay);
                }

                await hub.ExpectOpenFilesAsync(atStart + LimitOfAddress + Refusals);
                await IdentifyAsync(users[0]);
            }
            finally
            {
                await DisposeAsync([.. users, .. kept]);
            }
        }

        /// <summary>The same where the descriptors themselves are few.</summary>
        [Theory]
        [InlineData("--log-level", "information")]
        [InlineData("--max-connections", "1000")]
        public async Task Honest_users_are_served_at_512_descriptors_while_others_keep_the_sockets_they_have_left(params string[] options)
        {
            await using var hub = await HubProcess.StartAsync(["serve", "--port", "0", .. options], null, openFiles: 512);
            List<RawConnection> kept = [];
            try
            {
                for (int i = 0; i < 60; i++)
                {
                    for (int j = 0; j < 20; j++)
                    {
                        kept.Add(await LeaveAsync(hub.Endpoint));
                    }

                    await using var honest = await RawConnection.ConnectAsync(hub.Endpoint);
                    await honest.SendAsync("identity\n");
                    Assert.StartsWith("[Server] Your ID is ", await honest.LineAsync(), StringComparison.Ordinal);
                }
            }
            finally
            {
                await DisposeAsync(kept);
            }
        }

        private static Task<HubProcess> StartAsync() =>
            HubProcess.StartAsync("--max-connections", $"{Limit}", "--max-connections-per-address", $"{LimitOfAddress}");

        private static async Task IdentifyAsync(RawConnection user)
        {
            await user.SendAsync("identity\n");
            Assert.StartsWith("[Server] Your ID is ", await user.LineAsync(), StringComparison.Ordinal);
        }

        private static async Task<RawConnection> LeaveAsync(IPEndPoint hub)
        {
            var connection = await RawConnection.ConnectAsync(hub);
            try
            {
                await connection.SendAsync("quit\n");
            }
            catch (System.Net.Sockets.SocketException)
            {
                // The hub has cut it off already.
            }

            return connection;
        }
    }
}
