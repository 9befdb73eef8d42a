using System.Globalization;
using System.Text;

namespace MessageDelivery.Cli.Attacks;

/// <summary>
/// What a browser can be made to send to any port: each HTTP method with text commands in its headers and its body, aimed at a user
/// who is there.
/// </summary>
internal sealed class HttpRequests : Attack
{
    private const int AtOnce = 4;
    private const string Smuggled = "SMUGGLED";

    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"];

    public override string Name => "http";

    public override string Tries => "each HTTP method with text commands in headers and body";

    public override string Wants => "answer as HTTP or end; never carry out a command";

    public override async Task RunAsync(AttackScene scene)
    {
        if (await scene.BinaryUserAsync(scene.Over, keepsBodies: true).ConfigureAwait(false) is not var (witness, id))
        {
            return;
        }

        await using (witness.ConfigureAwait(false))
        {
            string commands = string.Create(CultureInfo.InvariantCulture, $"relay {id} {Smuggled}\r\nidentity\r\nrelay {id} {Smuggled}\n\nlist\n");
            var requests = from method in Methods
                           from request in Requests(method, commands)
                           from cut in (int[])[0, 1, method.Length, method.Length + 1]
                           select (request, cut);
            await AttackScene.ForEachAsync(requests, AtOnce, one => RequestAsync(scene, one.request, one.cut)).ConfigureAwait(false);
            await witness.SendAsync(FrameBytes.Header((byte)Protocol.FrameType.Identity, 0), scene.Interrupted).ConfigureAwait(false);
            while (await witness.NextAsync(AttackScene.Promptly, scene.Interrupted).ConfigureAwait(false) is { } answer && answer.Name != Answer.Identity)
            {
                if (answer.Name == Answer.Delivery)
                {
                    scene.Suspect($"a command within an HTTP request was carried out: a user got a message by it");
                }
            }
        }
    }

    private static IEnumerable<string> Requests(string method, string commands)
    {
        int length = Encoding.UTF8.GetByteCount(commands);
        yield return string.Create(CultureInfo.InvariantCulture, $"{method} / HTTP/1.1\r\nHost: hub\r\nContent-Length: {length}\r\n\r\n{commands}");
        yield return $"{method} / HTTP/1.1\r\n{commands}\r\n\r\n";
        yield return $"{method} /{commands}";
    }

    private static async Task RequestAsync(AttackScene scene, string request, int cut)
    {
        if (await scene.OpenAsync(scene.Over).ConfigureAwait(false) is not { } connection)
        {
            return;
        }

        await using (connection.ConfigureAwait(false))
        {
            scene.Tally.AddRequests();
            byte[] bytes = Encoding.UTF8.GetBytes(request);
            if (cut > 0)
            {
                await connection.SendAsync(bytes.AsMemory(0, cut), scene.Interrupted).ConfigureAwait(false);
                await Task.Delay(AttackScene.Promptly / 250, CancellationToken.None).ConfigureAwait(false);
            }

            await connection.SendAsync(bytes.AsMemory(cut), scene.Interrupted).ConfigureAwait(false);
            var ended = connection.EndsWithinAsync(AttackScene.Promptly, scene.Interrupted);
            while (await connection.NextAsync(AttackScene.Promptly, scene.Interrupted).ConfigureAwait(false) is { } answer)
            {
                // A refusal that does not know yet what will be said may come as a line.
                if (answer.Name is Answer.TextIdentity or "list" or Answer.Line or "error invalid_message" or "prompt")
                {
                    scene.Suspect($"'{request.Split(' ')[0]}' was taken for text: the hub answered '{answer.Name}'");
                }
            }

            if (!await ended.ConfigureAwait(false) && !scene.Interrupted.IsCancellationRequested)
            {
                scene.Suspect($"a '{request.Split(' ')[0]}' was not ended within {AttackScene.Promptly.TotalSeconds:0} s");
            }
        }
    }
}
