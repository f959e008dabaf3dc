import org.codelibs.opensearch.runner.OpenSearchRunner;

/** One node of OpenSearch on loopback, for tests: port, folder, and further settings as name=value. */
public class OpenSearchServer {
    public static void main(String[] arguments) throws Exception {
        String port = arguments[0];
        String folder = arguments[1];
        OpenSearchRunner runner = new OpenSearchRunner();
        runner.onBuild((number, settings) -> {
            settings.put("network.host", "127.0.0.1");
            settings.put("http.port", port);
            settings.put("transport.port", Integer.parseInt(port) + 1);
            settings.put("discovery.type", "single-node");
            settings.putList("node.roles", "cluster_manager", "data", "ingest");
            for (int i = 2; i < arguments.length; i++) {
                String[] setting = arguments[i].split("=", 2);
                settings.put(setting[0], setting[1]);
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                runner.close();
            } catch (java.io.IOException error) {
                error.printStackTrace();
            }
        }));
        // Without printOnFailure it ends in silence.
        runner.build(OpenSearchRunner.newConfigs().numOfNode(1).basePath(folder).clusterName("tideline-tests").printOnFailure());
        Thread.currentThread().join();
    }
}
