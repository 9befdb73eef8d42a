using System.CommandLine;
using System.Net;

namespace MessageDelivery.Peers;

internal static class PortOption
{
    public static Option<int> Create()
    {
        var port = new Option<int>("--port") { Description = "The port of 127.0.0.1, 1 to 65535.", Required = true };
        port.Validators.Add(result =>
        {
            int value = result.GetValueOrDefault<int>();
            if (value is < 1 or > IPEndPoint.MaxPort)
            {
                result.AddError($"--port: {value} is outside 1 to {IPEndPoint.MaxPort}.");
            }
        });
        return port;
    }
}
